//! One S3 request on its way: what the outer layer knows of it, and what the inner one finds out.

use super::guard::Claim;
use crate::{access_log::Permission, events::Cause};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Extensions;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use uuid::Uuid;

/// Travels with the request as an extension. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct CallContext {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    request_id: String,
    host_id: String,
    source_ip: IpAddr,
    access_key_id: Option<String>,
    operation: OnceLock<String>,
    /// What it needs beside its operation's own permissions.
    more: Mutex<Vec<Permission>>,
}

impl CallContext {
    pub(super) fn new(claim: &Claim, source_ip: IpAddr) -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let inner = Inner {
            request_id: format!("{high:016X}"),
            host_id: STANDARD.encode([high.to_be_bytes(), low.to_be_bytes()].concat()),
            source_ip,
            access_key_id: claim.access_key_id(),
            operation: OnceLock::new(),
            more: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The context of a request that came through the outer layer, as all do.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| {
            Self::new(&Claim::Anonymous, IpAddr::V4(std::net::Ipv4Addr::LOCALHOST))
        })
    }

    pub(super) fn request_id(&self) -> &str {
        &self.inner.request_id
    }

    pub(super) fn host_id(&self) -> &str {
        &self.inner.host_id
    }

    pub(super) fn access_key_id(&self) -> Option<&str> {
        self.inner.access_key_id.as_deref()
    }

    /// Told once the signature is verified and the operation known.
    pub(super) fn set_operation(&self, name: &str) {
        // A request has one operation.
        let _ = self.inner.operation.set(name.to_owned());
    }

    pub(super) fn operation(&self) -> Option<&str> {
        self.inner.operation.get().map(String::as_str)
    }

    /// Notes a permission that follows from the request's body or source.
    pub(super) fn needs(&self, permission: Permission) {
        let more = self.inner.more.lock();
        more.unwrap_or_else(PoisonError::into_inner)
            .push(permission);
    }

    /// What was noted, once.
    pub(super) fn take_needs(&self) -> Vec<Permission> {
        let more = self.inner.more.lock();
        std::mem::take(&mut *more.unwrap_or_else(PoisonError::into_inner))
    }

    /// What an event says about the request that caused it.
    pub(super) fn cause(&self) -> Cause {
        Cause {
            request_id: self.inner.request_id.clone(),
            host_id: self.inner.host_id.clone(),
            access_key_id: self.inner.access_key_id.clone().unwrap_or_default(),
            source_ip: self.inner.source_ip.to_string(),
        }
    }
}
