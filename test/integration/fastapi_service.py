"""The Python service that fraudd replaces, as far as its errors go: FastAPI and pydantic over the
inputs of config/features.yaml. What it says about a body is what clients have learned to read."""

import datetime
from typing import Annotated

import fastapi
import fastapi.testclient
import pydantic

Number = Annotated[float, pydantic.Field(allow_inf_nan=False)]
Text = Annotated[str, pydantic.Field(min_length=1)]


class Transaction(pydantic.BaseModel):
    transaction_seq: int
    create_dt: datetime.datetime
    deposit_amount: Number
    receiving_country: Text
    country_code: str | None = None
    id_type: str | None = None
    stay_qualify: str | None = None
    payment_method: str | None = None
    register_date: datetime.date | None = None
    first_transaction_date: datetime.date | None = None
    birth_date: datetime.date | None = None
    recheck_date: datetime.date | None = None
    face_pin_date: datetime.date | None = None
    visa_expire_date: datetime.date | None = None
    transaction_count_24hour: int = 0
    transaction_count_1week: int = 0
    transaction_count_1month: int = 0
    transaction_amount_24hour: Number = 0
    transaction_amount_1week: Number = 0
    transaction_amount_1month: Number = 0
    user_name: str | None = None
    sender_name: str | None = None


class Batch(pydantic.BaseModel):
    transactions: list[Transaction]


Reasons = Annotated[int, fastapi.Query(ge=0, le=50)]
app = fastapi.FastAPI()


@app.post("/score")
def score(transaction: Transaction, explain: bool = True, include_allow: bool = True,
          top_k: Reasons = 3):  # fmt: skip
    return {}


@app.post("/score/batch")
def score_batch(batch: Batch, explain: bool = True, include_allow: bool = True,
                top_k: Reasons = 3):  # fmt: skip
    return {}


def client():
    return fastapi.testclient.TestClient(app)
