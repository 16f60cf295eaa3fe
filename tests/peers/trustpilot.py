"""Trustpilot's Business API (developers.trustpilot.com/business-units-api): every post is a review of one profile, but for the
company's own answers to one.

As the API does: the key in the header or query of public calls, an access token for private ones; numbered pages of 20, and
100 at most, empty behind the last; newest first; whole seconds.
"""

import base64
from datetime import timedelta
from typing import Any

from peers import OWN, Answer, Peer, Post, Request, iso

KEY, SECRET, ACCESS = "key-of-the-lemon-gelato", "secret-of-the-lemon-gelato", "access-of-the-lemon-gelato"
UNIT = "46d6a890ffa235a75b00021d"
SIGN_IN = "/v1/oauth/oauth-business-users-for-applications/accesstoken"


class Trustpilot(Peer):
    page = 100
    removals = frozenset({"unknown"})
    apart = timedelta(seconds=1)

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": base, "business_units": {"zefirella.example": UNIT}}

    def credentials(self) -> dict[str, Any]:
        return {"login": KEY, "password": SECRET}

    def native_id(self, post: Post) -> str:
        review = self._answered(post)
        return f"{self.native_id(review)}/reply" if review else f"{post.number:024x}"

    def answer(self, request: Request) -> Answer:
        if request.path == SIGN_IN:
            basic = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
            right = request.method == "POST" and request.headers.get("authorization") == f"Basic {basic}"
            return Answer({"access_token": ACCESS, "expires_in": "359999"}) if right else _error(401)
        private = request.path.startswith("/v1/private/")
        known = request.headers.get("authorization") == f"Bearer {ACCESS}"
        if not (known if private else KEY in {request.headers.get("apikey"), request.params.get("apikey")}):
            return _error(401)
        path = request.path.removeprefix("/v1/private" if private else "/v1")
        if path == f"/business-units/{UNIT}/reviews":
            return self._listed(request, private)
        there = {f"/reviews/{self.native_id(p)}": p for p in self.world.seen()}
        return Answer(self._review(there[path], private, self._answers())) if path in there else _error(404)

    def _answers(self) -> dict[int, Post]:
        """The brand's answers, by the number of the review."""
        return {review.number: p for p in self.world.seen() if (review := self._answered(p))}

    def _answered(self, post: Post) -> Post | None:
        return self.world.find(post.parent) if post.author == OWN and post.parent is not None else None

    def _listed(self, request: Request, private: bool) -> Answer:
        size, number = request.number("perPage", 20), request.number("page", 1)
        if not 1 <= size <= 100 or number < 1:
            return _error(400)
        reviews = [p for p in self.world.seen() if not self._answered(p)]
        shown = reviews[(number - 1) * size : number * size]
        links = [{"href": "https://api.trustpilot.com/v1/x", "method": "GET", "rel": "next-page"}]
        answers = self._answers()
        return Answer({"links": links, "reviews": [self._review(p, private, answers) for p in shown]})

    def _review(self, post: Post, private: bool, answers: dict[int, Post]) -> dict[str, Any]:
        answer = answers.get(post.number)
        written = answer and {"text": answer.text, "createdAt": iso(answer.at, "seconds"), "updatedAt": None}
        review = {
            "links": [],
            "id": self.native_id(post),
            "consumer": {
                "links": [],
                "id": post.author,
                "displayName": post.author.title(),
                "displayLocation": None,
                "numberOfReviews": 1,
            },
            "businessUnit": {"links": [], "id": UNIT, "identifyingName": "zefirella.example", "displayName": "Zefirella"},
            "stars": post.number % 5 + 1,
            "title": "Gelato",
            "text": post.text,
            "language": "it",
            "createdAt": iso(post.at, "seconds"),
            "experiencedAt": None,
            "updatedAt": iso(post.edited_at, "seconds") if post.edited_at else None,
            "companyReply": written,
            "isVerified": True,
            "status": "active",
            "numberOfLikes": post.likes,
            "reportData": None,
            "complianceLabels": [],
        }
        return review | ({"referenceId": "G-17", "referralEmail": f"{post.author}@example.org"} if private else {})


def _error(status: int) -> Answer:
    return Answer({"message": "no", "errorCode": status, "details": "no", "correlationId": "0"}, status)
