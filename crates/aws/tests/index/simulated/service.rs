//! The table behind the SDK's HTTP client.

use std::{
    collections::{BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, Region, RuntimeComponents, StalledStreamProtectionConfig,
    },
};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};
use sightline_aws::DynamoIndex;
use sightline_pipeline::index::Lists;

use super::{
    clock::Clock,
    table::{Change, Item, Key, Reason, Table},
};

const READ: Duration = Duration::from_millis(4);
const CANCELLED: Duration = Duration::from_millis(6);
/// The time from the preparation of a transaction to its commit, shortest and longest.
const TRANSACTION: [u64; 2] = [15, 35];

/// A simulated DynamoDB with one table. Clones share it.
#[derive(Clone)]
pub(super) struct Service {
    clock: Clock,
    table: Arc<Mutex<Table>>,
    /// Errors that the next requests get.
    planned: Arc<Mutex<VecDeque<(&'static str, Value)>>>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Service {
    pub(super) fn new(clock: &Clock, table: Table) -> Self {
        Self {
            clock: clock.clone(),
            table: Arc::new(Mutex::new(table)),
            planned: Arc::default(),
        }
    }

    pub(super) fn index(&self, lists: Lists) -> DynamoIndex {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::for_tests())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .sleep_impl(self.clock.clone())
            .http_client(self.clone())
            .build();
        DynamoIndex::new(Client::from_conf(config), "simulated", lists)
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap()
    }

    /// The next request of this operation gets this error.
    pub(super) fn fail(&self, operation: &'static str, error: Value) {
        self.planned.lock().unwrap().push_back((operation, error));
    }

    async fn answer(self, operation: String, request: Value) -> (u16, Value) {
        let planned = {
            let mut planned = self.planned.lock().unwrap();
            match planned.front() {
                Some((next, _)) if *next == operation => planned.pop_front(),
                _ => None,
            }
        };
        if let Some((_, error)) = planned {
            return (400, error);
        }
        match operation.as_str() {
            "GetItem" => {
                self.clock.pause(READ).await;
                let item = self.table().items.get(&key(&request["Key"])).cloned();
                (200, item.map_or(json!({}), |item| json!({ "Item": item })))
            }
            "TransactWriteItems" => self.transact(&request["TransactItems"]).await,
            "UpdateItem" => {
                self.clock.pause(READ).await;
                self.update(&request)
            }
            "Query" => {
                self.clock.pause(READ).await;
                (200, self.query(&request))
            }
            "BatchGetItem" => {
                self.clock.pause(READ).await;
                let request = &request["RequestItems"]["simulated"];
                assert_eq!(request["ConsistentRead"], true);
                let keys = request["Keys"].as_array().unwrap();
                assert!((1..=100).contains(&keys.len()), "{} keys", keys.len());
                let table = self.table();
                let items: Vec<_> = (keys.iter())
                    .filter_map(|wanted| table.items.get(&key(wanted)))
                    .collect();
                (
                    200,
                    json!({"Responses": {"simulated": items}, "UnprocessedKeys": {}}),
                )
            }
            "BatchWriteItem" => {
                let mut table = self.table();
                for request in request["RequestItems"]["simulated"].as_array().unwrap() {
                    let item = &request["PutRequest"]["Item"];
                    table.write(key(item), item.as_object().unwrap().clone());
                }
                (200, json!({ "UnprocessedItems": {} }))
            }
            other => panic!("{other} is not simulated"),
        }
    }

    /// Answers the queries of the adapter: all items of a partition, or a part of a list of an index.
    fn query(&self, request: &Value) -> Value {
        let table = self.table();
        let values = &request["ExpressionAttributeValues"];
        let value = |name: &str| values[name]["S"].as_str().unwrap();
        if request["IndexName"].is_null() {
            assert_eq!(request["KeyConditionExpression"], "pk = :pk");
            let items = table.items.iter().filter(|((pk, _), _)| pk == value(":pk"));
            return json!({"Items": items.map(|(_, item)| item).collect::<Vec<_>>()});
        }
        let attribute = request["ExpressionAttributeNames"]["#key"]
            .as_str()
            .unwrap();
        let (first, last) = match request["KeyConditionExpression"].as_str().unwrap() {
            "#key = :key" => ("", "~"),
            "#key = :key AND #position BETWEEN :first AND :last" => {
                let range = (value(":first"), value(":last"));
                assert!(range.0 <= range.1, "DynamoDB rejects the range {range:?}");
                range
            }
            other => panic!("the condition {other} is not simulated"),
        };
        let mut list: Vec<&Item> = table.list(attribute, value(":key"));
        let position = |item: &Item| item["position"]["S"].as_str().unwrap().to_owned();
        let is_ascending = request["ScanIndexForward"].as_bool().unwrap();
        if !is_ascending {
            list.reverse();
        }
        let start = &request["ExclusiveStartKey"]["position"]["S"];
        let rest = list.into_iter().filter(|item| {
            let at = position(item);
            let is_after = start.as_str().is_none_or(|start| {
                if is_ascending {
                    &*at > start
                } else {
                    &*at < start
                }
            });
            is_after && (first..=last).contains(&&*at)
        });
        let limit = usize::try_from(request["Limit"].as_u64().unwrap()).unwrap();
        let evaluated: Vec<&Item> = rest.take(limit).collect();
        let filters = request["FilterExpression"].as_str().unwrap_or_default();
        let passes = |item: &Item| {
            (filters.split(" AND ").filter(|filter| !filter.is_empty())).all(
                |filter| match filter {
                    "confidence >= :least" => {
                        let number =
                            |value: &Value| value["N"].as_str().unwrap().parse::<f64>().unwrap();
                        number(&item["confidence"]) >= number(&values[":least"])
                    }
                    "#status = :status" => item["status"] == values[":status"],
                    other => panic!("the filter {other} is not simulated"),
                },
            )
        };
        let mut answer = json!({
            "Items": evaluated.iter().filter(|item| passes(item)).collect::<Vec<_>>(),
        });
        // DynamoDB names the last key even if the list ends there.
        if let Some(last) = evaluated.last().filter(|_| evaluated.len() == limit) {
            let names = ["pk", "sk", "position", attribute];
            let key: Item = (last.iter())
                .filter(|(name, _)| names.contains(&name.as_str()))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            answer["LastEvaluatedKey"] = Value::Object(key);
        }
        answer
    }

    /// Changes a count of analyses, in the forms in which the adapter writes it.
    fn update(&self, request: &Value) -> (u16, Value) {
        let mut table = self.table();
        let key = key(&request["Key"]);
        let mut item = table.items.get(&key).cloned();
        let number = |value: &Value| value["N"].as_str().unwrap().parse::<i64>().unwrap();
        let value = |name: &str| number(&request["ExpressionAttributeValues"][name]);
        let count = item.as_ref().map(|item| number(&item["analyses"]));
        let condition_holds = match request["ConditionExpression"].as_str().unwrap() {
            "attribute_not_exists(analyses) OR analyses <= :most" => {
                count.is_none_or(|count| count <= value(":most"))
            }
            "analyses >= :by" => count.is_some_and(|count| count >= value(":by")),
            other => panic!("the condition {other} is not simulated"),
        };
        if !condition_holds {
            let code = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
            return (400, json!({ "__type": code }));
        }
        let item = item.get_or_insert_with(|| request["Key"].as_object().unwrap().clone());
        let by = match request["UpdateExpression"].as_str().unwrap() {
            "ADD analyses :by SET expires = :expires" => {
                let expires = &request["ExpressionAttributeValues"][":expires"];
                item.insert("expires".to_owned(), expires.clone());
                value(":by")
            }
            "SET analyses = analyses - :by" => -value(":by"),
            other => panic!("the update {other} is not simulated"),
        };
        let count = count.unwrap_or_default() + by;
        item.insert("analyses".to_owned(), json!({ "N": count.to_string() }));
        let after = item.clone();
        table.write(key, after);
        (200, json!({}))
    }

    async fn transact(&self, actions: &Value) -> (u16, Value) {
        let now = self.clock.now();
        let (begun, changes) = {
            let mut table = self.table();
            let changes: Vec<Change> = (actions.as_array().unwrap().iter())
                .map(|action| change(&table, action))
                .collect();
            (table.begin(&changes, now), changes)
        };
        if let Err(reasons) = begun {
            self.clock.pause(CANCELLED).await;
            return (400, cancelled(&reasons));
        }
        let [shortest, longest] = TRANSACTION;
        let spread = self.table().figures.transactions * 7 % (longest - shortest);
        self.clock
            .pause(Duration::from_millis(shortest + spread))
            .await;
        self.table().commit(changes);
        (200, json!({}))
    }
}

/// The error of a cancelled transaction.
pub(super) fn cancelled(reasons: &[Reason]) -> Value {
    let codes: Vec<&str> = (reasons.iter())
        .map(|reason| match reason {
            Reason::None => "None",
            Reason::Conflict => "TransactionConflict",
            Reason::Throttled => "ThrottlingError",
            Reason::ConditionFailed => "ConditionalCheckFailed",
        })
        .collect();
    json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        ),
        "CancellationReasons": codes.iter().map(|code| json!({ "Code": code })).collect::<Vec<_>>(),
    })
}

fn key(item: &Value) -> Key {
    let text = |name: &str| item[name]["S"].as_str().unwrap().to_owned();
    (text("pk"), text("sk"))
}

/// Reads an action in the forms in which the adapter writes them.
fn change(table: &Table, action: &Value) -> Change {
    let (kind, action) = action.as_object().unwrap().iter().next().unwrap();
    let key = key(if kind == "Put" {
        &action["Item"]
    } else {
        &action["Key"]
    });
    let before = table.items.get(&key);
    let condition_holds = match action["ConditionExpression"].as_str() {
        None => true,
        Some("attribute_not_exists(pk)") => before.is_none(),
        Some("rev = :rev") => {
            let rev = &action["ExpressionAttributeValues"][":rev"];
            before.is_some_and(|item| item.get("rev") == Some(rev))
        }
        Some(other) => panic!("the condition {other} is not simulated"),
    };
    let after = match kind.as_str() {
        "Put" => action["Item"].as_object().cloned(),
        "Delete" => None,
        "Update" => Some(counted(before, &key, action)),
        other => panic!("{other} is not simulated"),
    };
    Change {
        key,
        after,
        condition_holds,
    }
}

/// The count after an update.
fn counted(before: Option<&Item>, (pk, sk): &Key, update: &Value) -> Item {
    let expression = update["UpdateExpression"].as_str().unwrap();
    assert!(expression.starts_with("ADD images :by"), "{expression}");
    let number = |value: &Value| value["N"].as_str().unwrap().parse::<i64>().unwrap();
    let values = &update["ExpressionAttributeValues"];
    let images = before.map_or(0, |item| number(&item["images"])) + number(&values[":by"]);
    let mut item = before.cloned().unwrap_or_default();
    item.insert("pk".to_owned(), json!({ "S": pk }));
    item.insert("sk".to_owned(), json!({ "S": sk }));
    item.insert("images".to_owned(), json!({ "N": images.to_string() }));
    if let Some(name) = values.get(":name") {
        item.insert("name".to_owned(), name.clone());
    }
    if let Some(added) = values.get(":aliases") {
        assert!(expression.contains(", aliases :aliases"), "{expression}");
        let before = item
            .remove("aliases")
            .unwrap_or_else(|| json!({ "SS": [] }));
        let aliases = [&before, added].map(|set| set["SS"].as_array().unwrap().clone());
        let aliases: BTreeSet<String> = (aliases.iter().flatten())
            .map(|alias| alias.as_str().unwrap().to_owned())
            .collect();
        item.insert("aliases".to_owned(), json!({ "SS": aliases }));
    }
    item
}

impl HttpConnector for Service {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.split_once('.').unwrap().1.to_owned();
        let body = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        let service = self.clone();
        HttpConnectorFuture::new(async move {
            let (status, answer) = service.answer(operation, body).await;
            Ok(HttpResponse::new(
                StatusCode::try_from(status).unwrap(),
                SdkBody::from(answer.to_string()),
            ))
        })
    }
}

impl HttpClient for Service {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
