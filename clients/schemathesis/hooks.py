"""Values that JSON Schema can't describe: what the document calls by these formats."""

from __future__ import annotations

import base64

import schemathesis
from hypothesis import strategies as st

# Any number and any id make a cursor: one that names nothing begins where it would stand.
CURSORS = st.builds(
    lambda number, text: base64.urlsafe_b64encode(f"{number} {text}".encode()).decode().rstrip("="),
    st.integers(0, 2**53),
    st.text("abcdefghjkmnpqrstvwxyz_0123456789", max_size=30),
)
NETWORKS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    st.tuples(st.ip_addresses(v=6), st.integers(0, 128)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
)
HOSTS = st.from_regex(r"\A[a-z]{1,20}\.example(:[1-9][0-9]{0,3})?\Z")
# A key that expires does so in the future.
MOMENTS = st.datetimes(min_value=__import__("datetime").datetime(2040, 1, 1)).map(lambda moment: moment.isoformat() + "Z")

schemathesis.openapi.format("cursor", CURSORS)
schemathesis.openapi.format("cidr", NETWORKS)
schemathesis.openapi.format("origin", HOSTS.map(lambda host: f"https://{host}"))
schemathesis.openapi.format("date-time", MOMENTS)
