/** The DynamoDB search index. The Rust crates' DynamoDB adapter describes the schema. */

import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { type Options, removalPolicy } from './options.ts';
import { WRITE_UNITS } from './write-units.ts';

/** The write units that a new table on demand takes in a second (Amazon DynamoDB Developer Guide, "On-demand capacity mode"). */
const NEW_TABLE = 4_000;

export class IndexTable extends Construct {
  readonly table: Table;

  constructor(scope: Construct, id: string, options: Options) {
    super(scope, id);
    const string = (name: string) => ({ name, type: AttributeType.STRING });
    const writeUnits = warm(options.rekognitionTps * WRITE_UNITS.put.table);
    this.table = new Table(this, 'Table', {
      partitionKey: string('pk'),
      sortKey: string('sk'),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.DEFAULT,
      timeToLiveAttribute: 'expires',
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: removalPolicy(options),
      ...writeUnits,
    });
    // Callers see their own pictures only, so the adapter's index of all pictures, `by-term`, is left out.
    this.table.addGlobalSecondaryIndex({
      indexName: 'by-owner-term',
      partitionKey: string('ownerTerm'),
      sortKey: string('position'),
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: ['confidence', 'status'],
      ...warm(options.rekognitionTps * WRITE_UNITS.put.indexes),
    });
  }
}

/**
 * The capacity to begin with, if a new table would not take this many write units a second: twice as many, because a table takes
 * less if some of its partitions are busier than others.
 */
function warm(writeUnits: number): { warmThroughput?: { readUnitsPerSecond: number; writeUnitsPerSecond: number } } {
  if (writeUnits <= NEW_TABLE) return {};
  // 12,000 read units are what every new table has.
  return { warmThroughput: { readUnitsPerSecond: 12_000, writeUnitsPerSecond: 2 * writeUnits } };
}
