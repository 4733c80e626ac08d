//! The context of an S3 request, shared by the layers that handle it.

use super::authentication::Authentication;
use crate::{access_log::Permission, events::Cause};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Extensions;
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};
use uuid::Uuid;

/// Stored in the request's extensions. Cheap to clone.
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
    /// Permissions beyond those of the operation.
    extra_permissions: Mutex<Vec<Permission>>,
}

impl CallContext {
    pub(super) fn new(authentication: &Authentication, source_ip: IpAddr) -> Self {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let inner = Inner {
            request_id: format!("{high:016X}"),
            host_id: STANDARD.encode([high.to_be_bytes(), low.to_be_bytes()].concat()),
            source_ip,
            access_key_id: authentication.access_key_id(),
            operation: OnceLock::new(),
            extra_permissions: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The context of a request. Every request has one.
    pub(super) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| {
            Self::new(
                &Authentication::Anonymous,
                IpAddr::V4(std::net::Ipv4Addr::LOCALHOST),
            )
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

    /// Sets the operation, once the signature is verified.
    pub(super) fn set_operation(&self, name: &str) {
        // A request has one operation.
        let _ = self.inner.operation.set(name.to_owned());
    }

    pub(super) fn operation(&self) -> Option<&str> {
        self.inner.operation.get().map(String::as_str)
    }

    /// Adds a permission that follows from the request's body or copy source.
    pub(super) fn require(&self, permission: Permission) {
        let permissions = self.inner.extra_permissions.lock();
        permissions
            .unwrap_or_else(PoisonError::into_inner)
            .push(permission);
    }

    /// Takes the permissions that were added.
    pub(super) fn take_extra_permissions(&self) -> Vec<Permission> {
        let permissions = self.inner.extra_permissions.lock();
        std::mem::take(&mut *permissions.unwrap_or_else(PoisonError::into_inner))
    }

    /// The cause of the event for this request.
    pub(super) fn cause(&self) -> Cause {
        Cause {
            request_id: self.inner.request_id.clone(),
            host_id: self.inner.host_id.clone(),
            access_key_id: self.inner.access_key_id.clone().unwrap_or_default(),
            source_ip: self.inner.source_ip.to_string(),
        }
    }
}
