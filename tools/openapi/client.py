"""Uses the generated client, which is the package `shop`: python client.py http://127.0.0.1:8080"""

import sys

from shop import Client
from shop.api.orders import get_order, list_orders, post_order, put_order, remove_order
from shop.api.walkthrough import create_order
from shop.models import NewOrder, Order, Problem

client = Client(base_url=sys.argv[1], raise_on_unexpected_status=True)

draft = NewOrder(product_id=12, quantity=2, amount=56.0, shipping=15.0, tax=2.0, shipping_address="22 Ship St")
created = post_order.sync_detailed(client=client, body=draft)
assert created.status_code == 201, created
order = created.parsed
assert isinstance(order, Order) and created.headers["Location"] == f"/orders/{order.order_id}", created

again = create_order.sync(client=client, body=order)
assert isinstance(again, Problem) and again.type_ == "urn:order-service:problem:duplicate-order", again

read = get_order.sync_detailed(order.order_id, client=client)
assert read.parsed == order, read
tag = read.headers["ETag"]

draft.quantity = 3
changed = put_order.sync(order.order_id, client=client, body=draft, if_match=tag)
assert isinstance(changed, Order) and changed.quantity == 3, changed
stale = put_order.sync(order.order_id, client=client, body=draft, if_match=tag)
assert isinstance(stale, Problem) and stale.status == 412, stale

page = list_orders.sync(client=client, limit=10)
assert page == [changed], page

removed = remove_order.sync_detailed(order.order_id, client=client)
assert removed.status_code == 204, removed
missing = get_order.sync(order.order_id, client=client)
assert isinstance(missing, Problem) and missing.type_ == "urn:order-service:problem:order-not-found", missing

print("created, read, changed, listed, deleted")
