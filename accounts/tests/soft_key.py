"""A passkey without a device: answers a page's options as a browser with a platform key would."""

import hashlib
import json
import struct
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2 import cbor
from fido2.cose import ES256
from fido2.utils import websafe_encode

SEEN_AND_KNOWN, WITH_KEY = 0x05, 0x40


class SoftKey:
    def __init__(self, host: str, ident: bytes = b"soft-key-16bytes") -> None:
        self.host, self.ident = host, ident
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.user = ""

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to navigator.credentials.create."""
        public = options["publicKey"]
        self.user = public["user"]["id"]
        cose = ES256.from_cryptography_key(self.private.public_key())  # type: ignore[no-untyped-call]
        key = bytes(16) + struct.pack(">H", len(self.ident)) + self.ident + cbor.encode(dict(cose))
        data = self._data(SEEN_AND_KNOWN | WITH_KEY) + key
        attested = cbor.encode({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", public["challenge"])
        response = {"clientDataJSON": websafe_encode(said), "attestationObject": websafe_encode(attested)}
        return {**self._shell(response), "clientExtensionResults": {"credProps": {"rk": True}}}

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """The answer to navigator.credentials.get."""
        said, data = self._said("webauthn.get", options["publicKey"]["challenge"]), self._data(SEEN_AND_KNOWN)
        signature = self.private.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        response = {
            "clientDataJSON": websafe_encode(said),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(signature),
            "userHandle": self.user,
        }
        return self._shell(response)

    def _shell(self, response: dict[str, Any]) -> dict[str, Any]:
        name = websafe_encode(self.ident)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + bytes(4)

    def _said(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": f"http://{self.host}"}).encode()
