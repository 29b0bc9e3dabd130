# A stand-in for the next version: the same module under another digest.
FROM order-service:aot
LABEL org.opencontainers.image.version="0.2.1"
