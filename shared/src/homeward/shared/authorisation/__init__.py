"""Authorisations: what may be looked for, by whose decision, until when; signed, verified, and denied with a reason."""

from homeward.shared.authorisation.claims import Claims
from homeward.shared.authorisation.decisions import AuthorisationDeniedError, Denial, DenialCode
from homeward.shared.authorisation.keys import KeyFileError, KeySet, SigningKey
from homeward.shared.authorisation.keys_file import KeysFile, PublicKeys
from homeward.shared.authorisation.ranks import Purpose, Rank
from homeward.shared.authorisation.token import Signer, issue
from homeward.shared.authorisation.uses import ReadCrops, ReadPhoto, SearchFaces, Use
from homeward.shared.authorisation.verifier import VerifiedAuthorisation, Verifier

__all__ = [
    "AuthorisationDeniedError",
    "Claims",
    "Denial",
    "DenialCode",
    "KeyFileError",
    "KeySet",
    "KeysFile",
    "PublicKeys",
    "Purpose",
    "Rank",
    "ReadCrops",
    "ReadPhoto",
    "SearchFaces",
    "Signer",
    "SigningKey",
    "Use",
    "VerifiedAuthorisation",
    "Verifier",
    "issue",
]
