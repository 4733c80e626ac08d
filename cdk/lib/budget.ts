/**
 * The monthly budget. It notifies at 80 percent, at 100 percent, and when the forecast reaches 100 percent. When it is spent, an action
 * of AWS Budgets stops the processing.
 */

import { Annotations, Stack, Token } from 'aws-cdk-lib';
import { CfnBudget, CfnBudgetsAction } from 'aws-cdk-lib/aws-budgets';
import { Effect, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { Names } from './names.ts';
import type { Options } from './options.ts';
import { offers } from './regions.ts';

export interface BudgetProps {
  readonly topic: ITopic;
  /** The roles of both functions. */
  readonly roles: Role[];
  /** The queues that the processor polls. */
  readonly queues: IQueue[];
}

export class Budget extends Construct {
  /** The budget's name and the action's id, if there is an action. */
  readonly action: { readonly budget: string; readonly id: string } | undefined;

  constructor(scope: Construct, id: string, options: Options, names: Names, props: BudgetProps) {
    super(scope, id);
    const { region } = Stack.of(this);
    if (options.monthlyBudgetUsd === undefined) return;
    if (!offers('AWS::Budgets::Budget', Token.isUnresolved(region) ? undefined : region)) {
      Annotations.of(this).addWarningV2('sightline:no-budget', `AWS Budgets cannot be created from ${region}. The stack has no budget; limit the cost with maxDailyAnalyses, or create a budget in the console.`);
      return;
    }
    const notification = (notificationType: string, threshold: number) => ({
      notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
      subscribers: [{ subscriptionType: 'SNS', address: props.topic.topicArn }],
    });
    const budget = new CfnBudget(this, 'Month', {
      budget: {
        budgetName: names.accountWide,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: options.monthlyBudgetUsd, unit: 'USD' },
      },
      notificationsWithSubscribers: [notification('ACTUAL', 80), notification('ACTUAL', 100), notification('FORECASTED', 100)],
    });
    // AWS Budgets sends a test message to the topic on creation.
    budget.node.addDependency(props.topic.node.findChild('Policy'));
    if (options.budgetAction === 'stop') this.action = { budget: names.accountWide, id: this.stop(budget, props).attrActionId };
  }

  /**
   * At 100 percent AWS Budgets attaches a policy to both roles: Lambda's pollers may no longer receive messages, so pictures wait in
   * their queue, and nothing may call Rekognition. The role of the action may attach and detach this policy on these roles, and
   * nothing else.
   */
  private stop(budget: CfnBudget, { topic, roles, queues }: BudgetProps): CfnBudgetsAction {
    const deny = (sid: string, action: string, resources: string[]) => new PolicyStatement({ sid, effect: Effect.DENY, actions: [action], resources });
    const policy = new ManagedPolicy(this, 'Stop', {
      description: 'Sightline: stops the processing. AWS Budgets attaches it when the budget is spent.',
      statements: [deny('StopPolling', 'sqs:ReceiveMessage', queues.map((queue) => queue.queueArn)), deny('StopRecognising', 'rekognition:*', ['*'])],
    });
    explain(policy, 'AwsSolutions-IAM5[Action::rekognition:*]', 'It denies.');
    explain(policy, 'AwsSolutions-IAM5[Resource::*]', 'It denies.');
    const role = new Role(this, 'ActionRole', {
      description: 'Sightline: attaches the policy that stops the processing',
      assumedBy: new ServicePrincipal('budgets.amazonaws.com', { conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } } }),
    });
    role.addToPolicy(new PolicyStatement({
      actions: ['iam:AttachRolePolicy', 'iam:DetachRolePolicy'],
      resources: roles.map(({ roleArn }) => roleArn),
      conditions: { ArnEquals: { 'iam:PolicyARN': policy.managedPolicyArn } },
    }));
    const action = new CfnBudgetsAction(this, 'Action', {
      budgetName: budget.ref,
      actionType: 'APPLY_IAM_POLICY',
      approvalModel: 'AUTOMATIC',
      notificationType: 'ACTUAL',
      actionThreshold: { type: 'PERCENTAGE', value: 100 },
      executionRoleArn: role.roleArn,
      definition: { iamActionDefinition: { policyArn: policy.managedPolicyArn, roles: roles.map(({ roleName }) => roleName) } },
      subscribers: [{ type: 'SNS', address: topic.topicArn }],
    });
    // The permission must be there before the budget can be spent.
    action.node.addDependency(role);
    return action;
  }
}
