//! Service names: `/etc/services` over Go's built-in list.
