-- The table of orders.
--
-- A migration may run more than once: after an interruption, or at two replicas on two Galera nodes, where a named lock is
-- local to a node. So each statement must be idempotent. A semicolon at the end of a line ends a statement.
CREATE TABLE IF NOT EXISTS orders (
    order_id         INT UNSIGNED   NOT NULL AUTO_INCREMENT,
    product_id       INT UNSIGNED   NOT NULL,
    quantity         INT UNSIGNED   NOT NULL,
    amount           DECIMAL(12, 2) NOT NULL,
    shipping         DECIMAL(12, 2) NOT NULL,
    tax              DECIMAL(12, 2) NOT NULL,
    shipping_address VARCHAR(255)   NOT NULL,
    PRIMARY KEY (order_id),
    CONSTRAINT quantity_is_positive CHECK (quantity > 0),
    CONSTRAINT money_is_not_negative CHECK (amount >= 0 AND shipping >= 0 AND tax >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4 COLLATE = utf8mb4_bin;
