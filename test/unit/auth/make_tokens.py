#!/usr/bin/python3
"""Writes tokens.txt: tokens that must be refused, and some that must not, one a line:

    verdict <tab> what it is <tab> token, with \\xNN for bytes that are not printable

verdict: good, invalid or expired. All are signed with SECRET (or claim to be). Times are far away,
so the verdicts hold at any date from 2024 to 2096. Run by hand after a change; the file is kept."""

import base64
import hashlib
import hmac
import json
import pathlib

SECRET = b"the secret of the hostile tokens: 42"
JTI = "6f0d5a46-25a5-4b2c-9b57-1c1f0a3e8f11"
NEVER = 4_000_000_000  # 2096
LONG_AGO = 1_500_000_000  # 2017
HEADER = {"alg": "HS256", "typ": "JWT"}
CLAIMS = {"sub": "7", "jti": JTI, "iat": LONG_AGO, "exp": NEVER, "type": "access"}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def text(value):
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def sign(first, second, secret=SECRET, digest=hashlib.sha256):
    return b64(hmac.new(secret, first + b"." + second, digest).digest())


def token(header=HEADER, claims=CLAIMS, secret=SECRET, digest=hashlib.sha256):
    """A rightly signed token of whatever is given, objects or raw JSON."""
    first, second = b64(text(header)), b64(text(claims))
    return first + b"." + second + b"." + sign(first, second, secret, digest)


def claims(**changes):
    """The good claims with some changed; None removes one."""
    changed = CLAIMS | changes
    return {k: v for k, v in changed.items() if v is not None}


def raw(replaced, by):
    """The good claims as text with one piece replaced."""
    whole = text(CLAIMS)
    assert replaced.encode() in whole
    return whole.replace(replaced.encode(), by.encode())


rows = []


def add(verdict, what, value):
    rows.append((verdict, what, value))


good = token()
h, c, s = good.split(b".")

# --- what must pass ---
add("good", "as we write it", good)
add("good", "typ in lower case", token({"alg": "HS256", "typ": "jwt"}))
add("good", "no typ", token({"alg": "HS256"}))
add("good", "header members the other way round", token({"typ": "JWT", "alg": "HS256"}))
add("good", "blanks in the JSON", token(b'{ "alg" : "HS256" }', json.dumps(CLAIMS).encode()))
add("good", "an unknown claim", token(claims=claims(iss="elsewhere")))
add("good", "an unknown claim that is a list", token(claims=claims(scopes=["a", "b"])))
add("good", "an unknown claim that is an object", token(claims=claims(more={"sub": "8"})))
add("good", "nbf in the past", token(claims=claims(nbf=LONG_AGO)))
add("good", "jti in capitals", token(claims=claims(jti=JTI.upper())))
add("good", "a large user id", token(claims=claims(sub="9223372036854775807")))
add("good", "a name with an escape", token(claims=raw('"sub"', '"\\u0073ub"')))

# --- expired ---
add("expired", "expired", token(claims=claims(exp=LONG_AGO + 60)))
add("expired", "exp is 0", token(claims=claims(exp=0)))
add("expired", "exp is negative", token(claims=claims(exp=-1)))
add("expired", "exp is the smallest integer", token(claims=claims(exp=-(2**63))))
add("expired", "exp is -0", token(claims=raw(f'"exp":{NEVER}', '"exp":-0')))

# --- algorithms ---
for alg in ("none", "None", "NONE", "nOnE", "", "HS384", "HS512", "HS1", "RS256", "RS384", "RS512",
            "PS256", "ES256", "ES256K", "EdDSA", "A128KW", "dir", "hs256", "Hs256", "HS256 ",
            " HS256", "HS256\n", "HS-256", "HMAC", "sha256"):  # fmt: skip
    header = {"alg": alg, "typ": "JWT"}
    add("invalid", f"alg {alg!r}, signed as HS256", token(header))
add("invalid", "alg none, no signature", token({"alg": "none", "typ": "JWT"}).rsplit(b".", 1)[0] + b".")
add("invalid", "alg none, no third part", token({"alg": "none"}).rsplit(b".", 1)[0])
add("invalid", "HS384 rightly signed", token({"alg": "HS384", "typ": "JWT"}, digest=hashlib.sha384))
add("invalid", "HS512 rightly signed", token({"alg": "HS512", "typ": "JWT"}, digest=hashlib.sha512))
PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----
"""
add("invalid", "RS256 signed with the public key as secret",
    token({"alg": "RS256", "typ": "JWT"}, secret=PUBLIC))  # fmt: skip
add("invalid", "HS256 signed with a public key as secret", token(secret=PUBLIC))
for what, value in (("null", None), ("number", 256), ("true", True), ("list", ["HS256"]),
                    ("object", {"HS256": 1}), ("empty list", [])):  # fmt: skip
    add("invalid", f"alg is {what}", token({"alg": value, "typ": "JWT"}))
add("invalid", "no alg", token({"typ": "JWT"}))
add("invalid", "an empty header object", token({}))
add("invalid", "ALG in capitals", token({"ALG": "HS256", "typ": "JWT"}))

# --- other header members ---
for name, value in (
    ("kid", "1"), ("kid", "../../../../dev/null"), ("kid", "' or 1=1 --"), ("kid", ""),
    ("jku", "https://evil.example/jwks.json"), ("jku", "http://127.0.0.1/"),
    ("jwk", {"kty": "oct", "k": b64(SECRET).decode()}),
    ("x5u", "https://evil.example/cert.pem"), ("x5c", ["MIIB"]), ("x5t", "abc"),
    ("x5t#S256", "abc"), ("crit", ["exp"]), ("crit", []), ("crit", ["http://example/UNDEFINED"]),
    ("cty", "JWT"), ("zip", "DEF"), ("enc", "A256GCM"), ("b64", False), ("iss", "me"),
    ("p2c", 2**31), ("epk", {}), ("apu", "x"), ("nonce", "x"), ("", "x"), ("alg ", "HS256"),
    ("__proto__", {}),
):  # fmt: skip
    add("invalid", f"header member {name!r}", token(HEADER | {name: value}))
for value in ("JWE", "at+jwt", "JOSE", "JWT ", ""):
    add("invalid", f"typ {value!r}", token({"alg": "HS256", "typ": value}))
add("invalid", "typ is null", token({"alg": "HS256", "typ": None}))
add("invalid", "typ is a number", token({"alg": "HS256", "typ": 1}))

# --- the header as text ---
for what, value in (
    ("alg twice, the same", b'{"alg":"HS256","alg":"HS256"}'),
    ("alg twice, none first", b'{"alg":"none","alg":"HS256"}'),
    ("alg twice, none last", b'{"alg":"HS256","alg":"none"}'),
    ("alg twice by an escape", b'{"alg":"HS256","\\u0061lg":"none"}'),
    ("typ twice", b'{"alg":"HS256","typ":"JWT","typ":"JWT"}'),
    ("a list", b'["HS256"]'), ("a string", b'"HS256"'), ("a number", b"1"), ("null", b"null"),
    ("empty", b""), ("blanks", b"  "), ("half an object", b'{"alg":"HS256"'),
    ("bytes after the object", b'{"alg":"HS256"}{}'), ("a NUL after it", b'{"alg":"HS256"}\0'),
    ("a comma too much", b'{"alg":"HS256",}'), ("single quotes", b"{'alg':'HS256'}"),
    ("a comment", b'{"alg":"HS256"/**/}'), ("a byte order mark", b'\xef\xbb\xbf{"alg":"HS256"}'),
    ("UTF-16", '{"alg":"HS256"}'.encode("utf-16-le")), ("no UTF-8", b'{"alg":"HS256","\xff":1}'),
    ("an escaped NUL", b'{"alg":"HS256\\u0000"}'),
    ("nested", b'{"header":{"alg":"HS256"}}'), ("very deep", b"[" * 900 + b"]" * 900),
    ("deep objects", b'{"a":' * 300 + b"1" + b"}" * 300),
):  # fmt: skip
    add("invalid", f"header: {what}", token(value))

# --- claims: times ---
for name in ("exp", "iat", "nbf"):
    for value in ("string", "1e400", "1.5", "4000000000.0", "4e9", "true", "null", "[4000000000]",
                  '{"a":1}', "9223372036854775808", "99999999999999999999999999", "-1e400",
                  '"4000000000"', "1E3"):  # fmt: skip
        value = '"tomorrow"' if value == "string" else value
        base = text(claims(**{name: None}))[:-1]
        add("invalid", f"{name} is {value}", token(claims=base + f',"{name}":{value}}}'.encode()))
add("invalid", "exp is NaN", token(claims=raw(f'"exp":{NEVER}', '"exp":NaN')))
add("invalid", "exp is Infinity", token(claims=raw(f'"exp":{NEVER}', '"exp":Infinity')))
add("invalid", "exp has a leading zero", token(claims=raw(f'"exp":{NEVER}', f'"exp":0{NEVER}')))
add("invalid", "exp has a plus", token(claims=raw(f'"exp":{NEVER}', f'"exp":+{NEVER}')))
add("invalid", "exp in hex", token(claims=raw(f'"exp":{NEVER}', '"exp":0xEE6B2800')))
add("invalid", "nbf in the future", token(claims=claims(nbf=NEVER)))
add("invalid", "nbf as far as can be", token(claims=claims(nbf=2**63 - 1)))
add("invalid", "iat in the future", token(claims=claims(iat=NEVER)))
add("invalid", "expired and not valid yet", token(claims=claims(exp=LONG_AGO, nbf=NEVER)))

# --- claims: the others ---
for name in ("sub", "jti", "iat", "exp", "type"):
    add("invalid", f"no {name}", token(claims=claims(**{name: None})))
    add("invalid", f"{name} is null", token(claims=text(CLAIMS | {name: None})))
    add("invalid", f"{name} is a list", token(claims=CLAIMS | {name: [CLAIMS[name]]}))
    add("invalid", f"{name} is an object", token(claims=CLAIMS | {name: {"a": CLAIMS[name]}}))
    add("invalid", f"{name} in capitals",
        token(claims=claims(**{name: None}) | {name.upper(): CLAIMS[name]}))  # fmt: skip
    add("invalid", f"{name} twice",
        token(claims=text(CLAIMS)[:-1] + f',"{name}":{json.dumps(CLAIMS[name])}}}'.encode()))
for value in ("", "0", "-7", "+7", "07", " 7", "7 ", "7.0", "7e0", "seven", "9223372036854775808",
              "0x7", "7\n", "７", "1 or 1=1", "7;drop table auth_users"):  # fmt: skip
    add("invalid", f"sub {value!r}", token(claims=claims(sub=value)))
add("invalid", "sub is a number", token(claims=claims(sub=7)))
for value in ("", "1", JTI.replace("-", ""), JTI[:-1], JTI + "0", JTI[:-1] + "g", "{" + JTI + "}",
              "urn:uuid:" + JTI, "*", "%", JTI.replace("-", "_"), " " + JTI,
              "../" + JTI):  # fmt: skip
    add("invalid", f"jti {value!r}", token(claims=claims(jti=value)))
for value in ("refresh", "Access", "ACCESS", "", "access ", "id"):
    add("invalid", f"type {value!r}", token(claims=claims(type=value)))
add("invalid", "type is a number", token(claims=claims(type=1)))
add("invalid", "for another audience", token(claims=claims(aud="someone")))
add("invalid", "for several audiences", token(claims=claims(aud=["someone", "else"])))
for what, value in (("a list", b"[]"), ("empty", b""), ("null", b"null"), ("a string", b'"x"'),
                    ("an empty object", b"{}"), ("no JSON", b"sub=7&exp=4000000000"),
                    ("half", text(CLAIMS)[:-1]), ("two objects", text(CLAIMS) * 2),
                    ("trailing bytes", text(CLAIMS) + b"x"), ("a NUL after it", text(CLAIMS) + b"\0"),
                    ("no UTF-8", raw('"access"', '"access","x":"').replace(b'"x":"', b'"x":"\xff"')),
                    ("a raw line end in a string", raw("access", "acc\ness")),
                    ("nested JSON as text", text(json.dumps(CLAIMS))),
                    ("an unknown claim that is deep", text(claims(x=[[[[[1]]]]])))):  # fmt: skip
    add("invalid", f"claims: {what}", token(claims=value))

# --- signatures ---
add("invalid", "signed with another secret", token(secret=b"another secret of the same length: 1"))
add("invalid", "signed with an empty secret", token(secret=b""))
add("invalid", "signed with the secret and a NUL", token(secret=SECRET + b"x"))
add("invalid", "no signature", h + b"." + c + b".")
add("invalid", "signature cut", good[:-4])
add("invalid", "signature of 31 bytes", h + b"." + c + b"." + b64(base64.urlsafe_b64decode(s + b"=")[:31]))
add("invalid", "signature with a byte more", h + b"." + c + b"." + b64(base64.urlsafe_b64decode(s + b"=") + b"x"))
add("invalid", "signature twice", good + s)
add("invalid", "signature of zeros", h + b"." + c + b"." + b64(bytes(32)))
add("invalid", "signature in hex", h + b"." + c + b"." + base64.urlsafe_b64decode(s + b"=").hex().encode())
add("invalid", "SHA-256 without a key", h + b"." + c + b"." + b64(hashlib.sha256(h + b"." + c).digest()))
add("invalid", "signature of other claims", h + b"." + b64(text(claims(sub="1"))) + b"." + s)
add("invalid", "signature of another header", b64(b'{"alg":"HS256"}') + b"." + c + b"." + s)
flipped = bytearray(base64.urlsafe_b64decode(s + b"="))
flipped[0] ^= 1
add("invalid", "one bit of the signature, first byte", h + b"." + c + b"." + b64(bytes(flipped)))
flipped[0] ^= 1
flipped[31] ^= 0x80
add("invalid", "one bit of the signature, last byte", h + b"." + c + b"." + b64(bytes(flipped)))
last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
add("invalid", "unused bits of the signature set", good[:-1] + last[last.index(good[-1]) ^ 1 :][:1])

# --- form ---
add("invalid", "empty", b"")
add("invalid", "one part", h)
add("invalid", "two parts", h + b"." + c)
add("invalid", "four parts", good + b".x")
add("invalid", "five parts, as of JWE", good + b".x.y")
add("invalid", "dots alone", b"..")
add("invalid", "a dot more at the end", good + b".")
add("invalid", "a dot in front", b"." + good)
add("invalid", "parts in another order", c + b"." + h + b"." + s)
add("invalid", "padding after the signature", good + b"=")
add("invalid", "padding after the header", h + b"=." + c + b"." + s)
padded = base64.urlsafe_b64encode(b'{"alg":"HS256" }')
assert padded.endswith(b"=")
add("invalid", "padded header, rightly signed", padded + b"." + c + b"." + sign(padded, c))
padded = base64.urlsafe_b64encode(text(claims(sub="12")))
assert padded.endswith(b"=")
add("invalid", "padded claims, rightly signed", h + b"." + padded + b"." + sign(h, padded))
standard = base64.b64encode(text({"alg": "HS256", "typ": "JWT"}) + b"\xff\xfe").rstrip(b"=")
add("invalid", "standard base64 alphabet", standard + b"." + c + b"." + sign(standard, c))
for what, value in (("blank", b" "), ("tab", b"\t"), ("line end", b"\n"), ("CR LF", b"\r\n"),
                    ("NUL", b"\0"), ("no-break space", b"\xc2\xa0")):  # fmt: skip
    add("invalid", f"{what} in front", value + good)
    add("invalid", f"{what} behind", good + value)
    add("invalid", f"{what} within", h + b"." + c[:5] + value + c[5:] + b"." + s)
    mixed = c[:5] + value + c[5:]
    add("invalid", f"{what} within, rightly signed", h + b"." + mixed + b"." + sign(h, mixed))
add("invalid", "in quotes", b'"' + good + b'"')
add("invalid", "the scheme twice", b"Bearer " + good)
add("invalid", "two tokens", good + b"," + good)
add("invalid", "percent-encoded dots", good.replace(b".", b"%2E"))
add("invalid", "full-width dots", good.replace(b".", "．".encode()))
add("invalid", "a character outside base64url", b"!" + good[1:])
add("invalid", "not ASCII", b"\xff\xfe" + good)
add("invalid", "one character a part (no whole byte)", b"a.a.a")
add("invalid", "JWS in JSON form", text({"payload": c.decode(), "protected": h.decode(),
                                         "signature": s.decode()}))  # fmt: skip
add("invalid", "huge, rightly signed", token(claims=claims(x="y" * 4000)))
add("invalid", "huge header, rightly signed", token(HEADER | {"kid": "y" * 4000}))
add("invalid", "4,097 bytes of one letter", b"a" * 4097)
add("invalid", "many dots", b"." * 1000)


def escaped(data):
    return "".join(chr(b) if 0x20 < b < 0x7F and b != 0x5C else f"\\x{b:02x}" for b in data)


def main():
    tokens = [value for _, _, value in rows]
    assert len(set(tokens)) == len(tokens), [r[1] for r in rows if tokens.count(r[2]) > 1]
    lines = [f"{verdict}\t{what}\t{escaped(value)}\n" for verdict, what, value in rows]
    pathlib.Path(__file__).with_name("tokens.txt").write_text("".join(lines))
    refused = sum(verdict != "good" for verdict, _, _ in rows)
    print(f"{refused} to refuse, {len(rows) - refused} to take")


if __name__ == "__main__":
    main()
