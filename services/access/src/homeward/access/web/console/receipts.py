"""The public page of a receipt: how a request stands, and a way to end it. No account, no secret in an address."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from homeward.access.errors import ConflictError, InvalidError, NotFoundError
from homeward.access.web.console.pages import Pages
from homeward.access.web.console.ports import ReceiptDesk

Text = Annotated[str, Form(max_length=200)]


def receipts_router(pages: Pages, desk: ReceiptDesk, client_address: Callable[[Request], str]) -> APIRouter:
    """Return the pages for whoever holds a receipt; `client_address` says where a request comes from."""
    router = APIRouter(include_in_schema=False)

    @router.get("/receipt")
    def ask(request: Request) -> Response:
        return pages.render(request, "console/receipt_ask.html", wrong=False, reference="")

    def shown(request: Request, reference: str, secret: str, *, withdrawn: bool) -> Response:
        try:
            view = desk.look(reference, secret, client_address(request))
        except (NotFoundError, InvalidError):
            # One answer for whatever is wrong: nobody learns which references exist.
            return pages.render(
                request, "console/receipt_ask.html", status=HTTPStatus.NOT_FOUND, wrong=True, reference=reference
            )
        return pages.render(request, "console/receipt.html", view=view, secret=secret, withdrawn=withdrawn)

    @router.post("/receipt")
    def look(request: Request, reference: Text = "", secret: Text = "") -> Response:
        return shown(request, reference.strip(), secret.strip(), withdrawn=False)

    @router.post("/receipt/withdraw")
    def withdraw(request: Request, reference: Text = "", secret: Text = "") -> Response:
        try:
            desk.withdraw(reference.strip(), secret.strip(), client_address(request))
        except (ConflictError, NotFoundError, InvalidError):
            # It ended a moment before, or the receipt is wrong: the page says which.
            return shown(request, reference.strip(), secret.strip(), withdrawn=False)
        return shown(request, reference.strip(), secret.strip(), withdrawn=True)

    return router
