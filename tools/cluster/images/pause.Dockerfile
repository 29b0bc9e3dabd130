# The pods' infrastructure container: tools/cluster/pause, compiled by scripts/cluster-build.sh.
FROM scratch
COPY pause /pause
USER 65534:65534
ENTRYPOINT ["/pause"]
