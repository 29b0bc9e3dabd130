//! WasmEdge, MariaDB and faults as values that stop when dropped.
