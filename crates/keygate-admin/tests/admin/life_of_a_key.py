"""Issues, changes, rotates and revokes a key with a client that was generated from the OpenAPI document."""

import os
import sys

from keygate_api import AuthenticatedClient
from keygate_api.api.clients import add_client
from keygate_api.api.health import show_health
from keygate_api.api.keys import change_key, issue_key, list_keys, revoke_key, rotate_key
from keygate_api.api.usage import read_usage
from keygate_api.models import ChangeKey, IssueKey, NewClient, RotateKey


def step(name, response, status):
    """Checks and prints a response, with the key cut off."""
    assert response.status_code == status, (name, response.status_code, response.content)
    body = response.parsed.to_dict()
    if body.get("key"):
        body["key"] = body["key"][:6] + "..."
    print(name, int(response.status_code), body)
    return response


def main(url):
    api = AuthenticatedClient(
        base_url=url, token=os.environ["OPERATOR_KEY"], prefix="", auth_header_name="x-api-key"
    )
    client = NewClient(name="App 1", scopes=["orders:read", "orders:write"])
    step("add", add_client.sync_detailed(client=api, body=client), 201)

    wanted = IssueKey(label="production", scopes=["orders:read"])
    issue = lambda: issue_key.sync_detailed("App 1", client=api, body=wanted, idempotency_key="once")
    issued = step("issue", issue(), 201).parsed
    assert issued.key and issued.issued.scopes == ["orders:read"]
    repeated = step("repeat", issue(), 200).parsed
    assert repeated.key is None and repeated.issued.key_id == issued.issued.key_id

    listed = step("list", list_keys.sync_detailed(client=api, client_query="App 1"), 200).parsed
    assert [key.key_id for key in listed.items] == [issued.issued.key_id]

    old = issued.issued
    rotation = RotateKey(grace_seconds=3600)
    rotated = step("rotate", rotate_key.sync_detailed(old.key_id, client=api, body=rotation), 201).parsed
    assert rotated.key != issued.key and rotated.old.replaced_by == rotated.new.key_id
    assert rotated.old.expires is not None and rotated.new.label == "production"

    change = ChangeKey(label="laptop")
    versions = [f'"{old.version}"', f'"{rotated.new.version}"']
    statuses = [("stale", 412), ("label", 200)]
    for version, (name, status) in zip(versions, statuses):
        response = change_key.sync_detailed(rotated.new.key_id, client=api, body=change, if_match=version)
        changed = step(name, response, status).parsed
    assert changed.label == "laptop"

    revoked = step("revoke", revoke_key.sync_detailed(rotated.new.key_id, client=api), 200).parsed
    assert revoked.status.value == "revoked" and revoked.revoked is not None
    assert step("usage", read_usage.sync_detailed(client=api), 404).parsed.detail
    assert step("health", show_health.sync_detailed(client=api), 200).parsed.status == "ok"

    stranger = AuthenticatedClient(base_url=url, token="x", prefix="", auth_header_name="x-api-key")
    step("wrong", list_keys.sync_detailed(client=stranger), 401)


main(sys.argv[1])
