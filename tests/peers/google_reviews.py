"""Google Business Profile API v4 (developers.google.com/my-business/reference/rest/v4/accounts.locations.reviews), with the
sign-in of OAuth 2.0: every post is a review of one place, but for the brand's own answers to one.

As the API does: an access token for a refresh token, by a form; 50 reviews a page at most, latest change first; opaque page
tokens; an empty place answers `{}`.
"""

import base64
from typing import Any
from urllib.parse import parse_qsl

from peers import OWN, Answer, Peer, Post, Request, iso

REFRESH, SECRET, ACCESS = "1//refresh-token-of-zefirella", "client-secret-of-zefirella", "ya29.access-token-of-zefirella"
CLIENT = "1042.apps.googleusercontent.com"
PLACE = "accounts/1042/locations/7731"
STARS = ("ONE", "TWO", "THREE", "FOUR", "FIVE")


class GoogleReviews(Peer):
    page = 50
    removals = frozenset({"unknown"})

    def settings(self, base: str) -> dict[str, Any]:
        return {"base_url": f"{base}/v4", "sign_in_url": f"{base}/token", "locations": {"Zefirella, Milano": PLACE}}

    def credentials(self) -> dict[str, Any]:
        return {"login": CLIENT, "password": REFRESH, "extra": {"client_secret": SECRET}}

    def native_id(self, post: Post) -> str:
        review = self._answered(post)
        return f"{self.native_id(review)}/reply" if review else f"locations/7731/reviews/AbFvOq{post.number:08d}"

    def answer(self, request: Request) -> Answer:
        if request.path == "/token":
            return self._sign_in(request)
        if request.headers.get("authorization") != f"Bearer {ACCESS}":
            return _error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        place, _, review = request.path.removeprefix("/v4/").partition("/reviews")
        if place != PLACE:
            return _error(403, "PERMISSION_DENIED", "The caller does not have permission")
        return self._one(review.strip("/")) if review else self._listed(request)

    def _sign_in(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode()))
        if request.method != "POST" or form.get("grant_type") != "refresh_token":
            return Answer({"error": "unsupported_grant_type"}, 400)
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return Answer({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        if form.get("refresh_token") != REFRESH:
            return Answer({"error": "invalid_grant", "error_description": "Token has been expired or revoked."}, 400)
        return Answer({"access_token": ACCESS, "expires_in": 3599, "scope": "business.manage", "token_type": "Bearer"})

    def _answers(self) -> dict[int, Post]:
        """The brand's answers, by the number of the review."""
        return {review.number: p for p in self.world.seen() if (review := self._answered(p))}

    def _answered(self, post: Post) -> Post | None:
        return self.world.find(post.parent) if post.author == OWN and post.parent is not None else None

    def _listed(self, request: Request) -> Answer:
        reviews = [p for p in self.world.seen() if not self._answered(p)]
        reviews.sort(key=lambda p: (p.edited_at or p.at, p.number), reverse=True)
        size = min(request.number("pageSize", 50), 50)
        token = request.params.get("pageToken")
        first = int(base64.urlsafe_b64decode(token)) if token else 0
        if not reviews:
            return Answer({})
        answers = self._answers()
        body: dict[str, Any] = {"reviews": [self._review(p, answers) for p in reviews[first : first + size]]}
        if first + size < len(reviews):
            body["nextPageToken"] = base64.urlsafe_b64encode(str(first + size).encode()).decode()
        return Answer(body | {"averageRating": 2.4, "totalReviewCount": len(reviews)})

    def _one(self, review: str) -> Answer:
        there = {self.native_id(p): p for p in self.world.seen()}
        found = there.get(f"locations/7731/reviews/{review}")
        return (
            Answer(self._review(found, self._answers()))
            if found
            else _error(404, "NOT_FOUND", "Requested entity was not found.")
        )

    def _review(self, post: Post, answers: dict[int, Post]) -> dict[str, Any]:
        answer = answers.get(post.number)
        review: dict[str, Any] = {
            "name": f"accounts/1042/{self.native_id(post)}",
            "reviewId": self.native_id(post).rpartition("/")[2],
            "reviewer": {"profilePhotoUrl": "https://lh3.googleusercontent.com/a-/x=s120", "displayName": post.author},
            "starRating": STARS[post.number % 5],
            "comment": post.text,
            "createTime": iso(post.at, "microseconds"),
            "updateTime": iso(post.edited_at or post.at, "microseconds"),
        }
        if answer:
            review["reviewReply"] = {"comment": answer.text, "updateTime": iso(answer.at, "microseconds")}
        return review


def _error(status: int, name: str, message: str) -> Answer:
    return Answer({"error": {"code": status, "message": message, "status": name}}, status)
