//! The adapters: the ports over the ordinary AWS SDK clients.
