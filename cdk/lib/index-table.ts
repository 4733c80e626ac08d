/** The DynamoDB search index. The Rust crates' DynamoDB adapter describes the schema. */

import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { encryptionKey } from './encryption.ts';
import { type Options, removalPolicy } from './options.ts';

export class IndexTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, options: Options) {
    super(scope, id);
    const string = (name: string) => ({ name, type: AttributeType.STRING });
    const key = encryptionKey(this, options);
    this.table = new Table(this, 'Table', {
      ...(options.indexTableName !== undefined && { tableName: options.indexTableName }),
      partitionKey: string('pk'),
      sortKey: string('sk'),
      billingMode: BillingMode.PAY_PER_REQUEST,
      ...(key ? { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey: key } : { encryption: TableEncryption.DEFAULT }),
      timeToLiveAttribute: 'expires',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: removalPolicy(options),
    });
    // Callers see their own pictures only, so the adapter's index of all pictures, `by-term`, is left out.
    this.table.addGlobalSecondaryIndex({
      indexName: 'by-owner-term',
      partitionKey: string('ownerTerm'),
      sortKey: string('position'),
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['confidence', 'status'],
    });
  }
}
