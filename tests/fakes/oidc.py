"""An OpenID Connect provider: discovery, keys, the page where somebody says yes, and tokens for its codes."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import RSAKey
from pydantic import JsonValue

from tests.fakes.server import Call, Fake, Reply

CLIENT = "keepwell-test"
SECRET = "a-secret-of-the-client"
KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})
OTHER_KEY = RSAKey.generate_key(2048, parameters={"kid": "one"})


class FakeOidc(Fake):
    """`person` is who says yes next; `claims` are put over the token's own, `signed_by` signs it."""

    def __init__(self) -> None:
        super().__init__()
        self.person: dict[str, Any] = {
            "sub": "person-1",
            "email": "robin@example.com",
            "email_verified": True,
        }
        self.claims: dict[str, Any] = {}
        self.signed_by = KEY
        self._codes: dict[str, dict[str, str]] = {}

    def key_of(self, call: Call) -> str:
        """None: nothing is sent."""
        return ""

    def refusal(self, call: Call) -> Reply | None:
        """What a provider checks before it gives a token."""
        if call.path != "/token":
            return None
        fields = call.fields()
        asked = self._codes.pop(str(fields.get("code")), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if call.headers.get("authorization") != f"Basic {basic}":
            return Reply(401, {"error": "invalid_client"})
        verifier = str(fields.get("code_verifier", "")).encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        if asked is None or asked["redirect_uri"] != fields.get("redirect_uri"):
            return Reply(400, {"error": "invalid_grant"})
        if asked["code_challenge"] != challenge or asked["code_challenge_method"] != "S256":
            return Reply(400, {"error": "invalid_grant"})
        self._nonce = asked["nonce"]
        return None

    def take(self, call: Call) -> Reply:
        """Answer."""
        match call.path:
            case "/.well-known/openid-configuration":
                return Reply(
                    200,
                    {
                        "issuer": self.address,
                        "authorization_endpoint": f"{self.address}/authorize",
                        "token_endpoint": f"{self.address}/token",
                        "jwks_uri": f"{self.address}/keys",
                        "id_token_signing_alg_values_supported": ["RS256"],
                    },
                )
            case "/keys":
                return Reply(200, {"keys": [_public()]})
            case "/authorize":
                code = f"code-{len(self._codes)}-{time.monotonic_ns()}"
                self._codes[code] = call.query
                back = urlencode({"code": code, "state": call.query["state"]})
                return Reply(302, headers={"Location": f"{call.query['redirect_uri']}?{back}"})
            case "/token":
                return Reply(200, {"access_token": "x", "token_type": "Bearer", "id_token": self._token()})
        return Reply(404, {})

    def _token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": self._nonce,
            **self.person,
            **self.claims,
        }
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.signed_by)


def _public() -> JsonValue:
    return {name: str(value) for name, value in KEY.as_dict(private=False).items()}
