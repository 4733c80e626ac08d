//! moto's server as DynamoDB, and an interceptor for the requests to it.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
        Projection, ProjectionType, ScalarAttributeType,
    },
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use sightline_aws::DynamoIndex;
use sightline_pipeline::index::Lists;
use uuid::Uuid;

use crate::needs;

/// No limit on transactions.
pub(crate) const UNLIMITED: i64 = i64::MAX;

/// Starts moto's server, which then handles one request at a time: its transactions are not safe for concurrent use.
/// A transaction copies its table once, for the rollback; moto would copy the table again for each of its items.
const SERVE: &str = "\
import copy, sys
from types import SimpleNamespace
from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend, Table
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

transact_write_items = DynamoDBBackend.transact_write_items

def copy_each_table_once(backend, items):
    copies = {}
    def deepcopy(value):
        if not isinstance(value, Table):
            return copy.deepcopy(value)
        if id(value) not in copies:
            copies[id(value)] = copy.deepcopy(value)
        return copies[id(value)]
    models.copy = SimpleNamespace(copy=copy.copy, deepcopy=deepcopy)
    try:
        return transact_write_items(backend, items)
    finally:
        models.copy = copy

DynamoDBBackend.transact_write_items = copy_each_table_once
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app))
";

/// Records the operations of a client, and rejects its transactions after a number of them.
#[derive(Debug, Clone)]
pub(crate) struct Interceptor {
    /// How many more transactions may pass.
    pub(crate) writes_left: Arc<AtomicI64>,
    calls: Arc<Mutex<BTreeSet<String>>>,
}

impl Default for Interceptor {
    fn default() -> Self {
        Self {
            writes_left: Arc::new(AtomicI64::new(UNLIMITED)),
            calls: Arc::default(),
        }
    }
}

impl Intercept for Interceptor {
    fn name(&self) -> &'static str {
        "Interceptor"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let target = context.request().headers().get("x-amz-target");
        let operation = target
            .and_then(|target| target.split_once('.'))
            .ok_or("a request without X-Amz-Target")?
            .1
            .to_owned();
        let writes = operation == "TransactWriteItems";
        self.calls.lock().unwrap().insert(operation);
        if writes && self.writes_left.fetch_sub(1, Ordering::SeqCst) <= 0 {
            return Err("interrupted".into());
        }
        Ok(())
    }
}

/// A running moto server; stopped when dropped.
pub(crate) struct Moto {
    server: Child,
    endpoint: String,
    calls: Arc<Mutex<BTreeSet<String>>>,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Moto {
    /// Starts the server. `None`, with a note, if Python has no moto.
    pub(crate) async fn start() -> Option<Self> {
        let python = needs::python("moto.moto_server.werkzeug_app, moto.dynamodb")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut server = Command::new(&python)
            .args(["-c", SERVE, &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python:?} does not start: {error}"));
        let log = BufReader::new(server.stderr.take().unwrap());
        // Read to the end, because its request log would fill the pipe.
        let first_lines = std::thread::spawn(move || {
            let mut first = Vec::new();
            for line in log.lines().map_while(Result::ok) {
                if first.len() < 20 {
                    first.push(line);
                }
            }
            first
        });
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if let Some(status) = server.try_wait().unwrap() {
                panic!("moto ended with {status}: {:?}", first_lines.join());
            }
            assert!(Instant::now() < deadline, "moto does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Some(Self {
            server,
            endpoint: format!("http://127.0.0.1:{port}"),
            calls: Arc::default(),
        })
    }

    /// The operations that were called so far.
    pub(crate) fn calls(&self) -> BTreeSet<String> {
        self.calls.lock().unwrap().clone()
    }

    /// An index in a new table with the keys and indexes of the stack's table.
    pub(crate) async fn table(&self, interceptor: Interceptor) -> DynamoIndex {
        self.table_with(interceptor, Lists::All).await
    }

    /// As [`Self::table`], with these lists.
    pub(crate) async fn table_with(&self, interceptor: Interceptor, lists: Lists) -> DynamoIndex {
        let interceptor = Interceptor {
            calls: self.calls.clone(),
            ..interceptor
        };
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::for_tests())
            .interceptor(interceptor)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build();
        let client = Client::from_conf(config);
        let table = Uuid::new_v4().to_string();
        let mut create = client
            .create_table()
            .table_name(&table)
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key("pk", KeyType::Hash))
            .key_schema(key("sk", KeyType::Range));
        for name in ["pk", "sk", "term", "ownerTerm", "position"] {
            create = create.attribute_definitions(
                AttributeDefinition::builder()
                    .attribute_name(name)
                    .attribute_type(ScalarAttributeType::S)
                    .build()
                    .unwrap(),
            );
        }
        for (index, hash) in [("by-term", "term"), ("by-owner-term", "ownerTerm")] {
            create = create.global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name(index)
                    .key_schema(key(hash, KeyType::Hash))
                    .key_schema(key("position", KeyType::Range))
                    .projection(
                        Projection::builder()
                            .projection_type(ProjectionType::Include)
                            .non_key_attributes("confidence")
                            .non_key_attributes("status")
                            .build(),
                    )
                    .build()
                    .unwrap(),
            );
        }
        create.send().await.unwrap();
        DynamoIndex::new(client, table, lists)
    }
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder()
        .attribute_name(name)
        .key_type(kind)
        .build()
        .unwrap()
}
