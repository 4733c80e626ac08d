/** A bound on what a month may cost, told of when four fifths are spent and when all of it is foreseen to be. */

import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Names } from './names.ts';

export class Budget extends Construct {
  constructor(scope: Construct, id: string, names: Names, usd: number, topic: ITopic) {
    super(scope, id);
    const tell = (notificationType: string, threshold: number) => ({
      notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
      subscribers: [{ subscriptionType: 'SNS', address: topic.topicArn }],
    });
    const budget = new CfnBudget(this, 'Month', {
      budget: {
        budgetName: names.inAccount,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: usd, unit: 'USD' },
      },
      notificationsWithSubscribers: [tell('ACTUAL', 80), tell('ACTUAL', 100), tell('FORECASTED', 100)],
    });
    // AWS Budgets tries the topic when it is told of it.
    budget.node.addDependency(topic.node.findChild('Policy'));
  }
}
