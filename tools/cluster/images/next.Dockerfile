# The same module as the next version would be: another digest to roll out.
FROM order-service:aot
LABEL org.opencontainers.image.version="0.1.1"
