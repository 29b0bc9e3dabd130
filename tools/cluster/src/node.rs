//! The cluster's only node: a sandbox with an address of its own.

use std::ffi::OsStr;

use anyhow::Result;
use testkit::Sandbox;
use testkit::sandbox::SandboxBuilder;

/// The node's address.
pub const ADDRESS: &str = "10.99.0.1";

/// The controllers that the kubelet requires in the control group of its pods.
const CONTROLLERS: [&str; 5] = ["cpu", "cpuset", "memory", "hugetlb", "pids"];

/// Mounts and a network. The kubelet writes kernel parameters that belong to the whole machine; the sandbox has copies
/// of them.
const SETUP: &str = r#"
cd "$1"
mkdir -p lib log sys
mount --bind lib /var/lib
mount --bind log /var/log
for value in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
    copy=sys/$(echo $value | tr / _)
    cat /proc/sys/$value >"$copy"
    mount --bind "$copy" /proc/sys/$value
done
resolver=$(readlink -f /etc/resolv.conf)
mount -t tmpfs tmpfs /run
[ -e "$resolver" ] || { mkdir -p "$(dirname "$resolver")" && : >"$resolver"; }
mount --bind resolv.conf "$resolver"
ip link add node0 type veth peer name node1
ip address add "$2/24" dev node0
ip link set node0 up
ip link set node1 up
ip route add default dev node0
echo 1 >/proc/sys/net/ipv4/ip_forward
"#;

/// The node before its start: the components' files go into its directory first. The node uses its `resolv.conf`.
pub(crate) fn builder() -> Result<SandboxBuilder> {
    Ok(Sandbox::builder("cluster")?.cgroup(&CONTROLLERS).setup(SETUP).argument(OsStr::new(ADDRESS)))
}
