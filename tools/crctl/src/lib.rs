//! crctl
