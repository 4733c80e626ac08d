/** Gradual deployment (`gradual=on`): new versions of the functions take over in two steps, and alarms roll them back. */

import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { LambdaApplication, LambdaDeploymentConfig, LambdaDeploymentGroup } from 'aws-cdk-lib/aws-codedeploy';
import { Role, ServicePrincipal, ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { explain } from './nag.ts';
import type { RustFunction } from './rust-function.ts';

export class Gradual extends Construct {
  constructor(scope: Construct, id: string, functions: Record<string, RustFunction>, alarms: Alarm[]) {
    super(scope, id);
    const application = new LambdaApplication(this, 'Application');
    const role = new Role(this, 'Role', {
      description: 'Sightline: CodeDeploy moves traffic to new versions of the functions',
      assumedBy: new ServicePrincipal('codedeploy.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSCodeDeployRoleForLambdaLimited')],
    });
    explain(role, 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]', 'AWS keeps the policy in step with what CodeDeploy needs.');
    for (const [name, { alias }] of Object.entries(functions)) {
      if (!alias) continue;
      // The alarms look at up to three periods of five minutes.
      new LambdaDeploymentGroup(this, name, { application, role, alias, alarms, deploymentConfig: LambdaDeploymentConfig.CANARY_10PERCENT_15MINUTES });
    }
  }
}
