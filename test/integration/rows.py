"""Transactions as JSON, and how the fields of an answer must look."""

import re

# Whole, in the types that a client would use.
ROW = {
    "transaction_seq": 5692339,
    "create_dt": "2026-10-20T23:15:04",
    "deposit_amount": 4455670,
    "receiving_country": "VN",
    "country_code": "KR",
    "id_type": "RESIDENT_CARD",
    "stay_qualify": "E9",
    "payment_method": "BANK",
    "register_date": "2026-10-01",
    "first_transaction_date": "2026-10-02",
    "birth_date": "1990-02-28",
    "recheck_date": "9999-12-31",
    "face_pin_date": None,
    "visa_expire_date": "2027-01-31",
    "transaction_count_24hour": 2,
    "transaction_count_1week": 3,
    "transaction_count_1month": 4,
    "transaction_amount_24hour": 9600000,
    "transaction_amount_1week": 9700000.5,
    "transaction_amount_1month": 9800000,
    "user_name": "Nguyen Van An",
    "sender_name": "Tran Thi Binh",
}
REQUIRED = ("transaction_seq", "create_dt", "deposit_amount", "receiving_country")
LEAST = {name: ROW[name] for name in REQUIRED}
PRIVATE = ("user_name", "sender_name")

UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

INTEGERS = [name for name in ROW if name == "transaction_seq" or "_count_" in name]
NUMBERS = [name for name in ROW if "amount" in name]


def from_csv(text_row):
    """A row of text as the JSON that means the same; the way of a client that knows its types."""
    row = {}
    for name, text in text_row.items():
        if text == "":
            continue
        if name in INTEGERS:
            row[name] = int(text)
        elif name in NUMBERS:
            row[name] = float(text) if "." in text else int(text)
        else:
            row[name] = text
    return row


def decision(score, low, high):
    return "BLOCK" if score >= high else "REVIEW" if score >= low else "ALLOW"
