# What holds a pod's namespaces: tools/cluster/pause, compiled by scripts/cluster-build.sh into the directory that is built from.
FROM scratch
COPY pause /pause
USER 65534:65534
ENTRYPOINT ["/pause"]
