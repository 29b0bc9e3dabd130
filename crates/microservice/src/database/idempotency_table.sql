-- Responses to requests with an idempotency key. A row is written in the transaction of the request's own write.
CREATE TABLE IF NOT EXISTS {table} (
    id         BINARY(32)        NOT NULL COMMENT 'SHA-256 of the caller and the key',
    request    BINARY(32)        NOT NULL COMMENT 'SHA-256 of method, target and body',
    status     SMALLINT UNSIGNED NULL,
    headers    BLOB              NULL,
    body       MEDIUMBLOB        NULL,
    expires_at DATETIME          NOT NULL,
    PRIMARY KEY (id),
    KEY expires_at (expires_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
