/** The monthly budget. It notifies at 80 percent, at 100 percent, and when the forecast reaches 100 percent. */

import { CfnBudget } from 'aws-cdk-lib/aws-budgets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { Names } from './names.ts';

export class Budget extends Construct {
  constructor(scope: Construct, id: string, names: Names, usd: number, topic: ITopic) {
    super(scope, id);
    const notification = (notificationType: string, threshold: number) => ({
      notification: { notificationType, threshold, thresholdType: 'PERCENTAGE', comparisonOperator: 'GREATER_THAN' },
      subscribers: [{ subscriptionType: 'SNS', address: topic.topicArn }],
    });
    const budget = new CfnBudget(this, 'Month', {
      budget: {
        budgetName: names.accountWide,
        budgetType: 'COST',
        timeUnit: 'MONTHLY',
        budgetLimit: { amount: usd, unit: 'USD' },
      },
      notificationsWithSubscribers: [notification('ACTUAL', 80), notification('ACTUAL', 100), notification('FORECASTED', 100)],
    });
    // AWS Budgets sends a test message to the topic on creation.
    budget.node.addDependency(topic.node.findChild('Policy'));
  }
}
