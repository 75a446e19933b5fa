"""What the description shows instead of 'string': one request at work. A test holds them against the shapes."""

from typing import Any

_HOST = "https://desk.example.com"
_REQUEST = f"{_HOST}/api/v1/requests/DESK-38/"

SUMMARY: dict[str, Any] = {
    "reference": "DESK-38",
    "url": _REQUEST,
    "web_url": f"{_HOST}/requests/DESK-38/",
    "subject": "The cash desk prints nothing",
    "status": "estimated",
    "status_label": "Estimated",
    "waiting_for": None,
    "turn": "customer",
    "request_type": {"id": 3, "name": "Cash desk"},
    "organisation": {"id": 7, "name": "Rye Bread Ltd"},
    "requester": {"id": 12, "name": "Rita Requester"},
    "assignee": {"id": 4, "name": "Agnes Agent"},
    "due_date": "2026-12-05",
    "created_at": "2026-11-22T09:12:44.120000+02:00",
    "last_activity_at": "2026-11-22T10:30:01.512000+02:00",
    "closed_at": None,
}

COMMENT: dict[str, Any] = {
    "id": 512,
    "author": {"id": 12, "name": "Rita Requester", "is_staff": False},
    "text": "It happens with the second printer, too.",
    "quoted": "",
    "is_internal": False,
    "is_verified": True,
    "channel": "api",
    "created_at": "2026-11-22T09:40:00.004000+02:00",
    "files": [],
}

ESTIMATE: dict[str, Any] = {
    "version": 1,
    "state": "open",
    "lines": [
        {
            "description": "Analysis and change of the form",
            "kind": "hours",
            "minutes": 150,
            "unit_price": {"amount": "60.00", "currency": "EUR"},
            "vat_rate": "21.00",
            "net": {"amount": "150.00", "currency": "EUR"},
        },
        {
            "description": "Licence of the driver",
            "kind": "fixed",
            "minutes": None,
            "unit_price": {"amount": "40.00", "currency": "EUR"},
            "vat_rate": "21.00",
            "net": {"amount": "40.00", "currency": "EUR"},
        },
    ],
    "minutes": 150,
    "net": {"amount": "190.00", "currency": "EUR"},
    "vat": {"amount": "39.90", "currency": "EUR"},
    "total": {"amount": "229.90", "currency": "EUR"},
    "due_on": "2026-12-05",
    "valid_until": "2026-12-22",
    "note": "As we spoke about it on the telephone.",
    "terms": "",
    "zero_reason": "",
    "sent_by": {"id": 4, "name": "Agnes Agent"},
    "sent_at": "2026-11-22T10:30:01.512000+02:00",
    "decided_at": None,
}

VERB: dict[str, Any] = {
    "name": "request_changes",
    "label": "Ask for changes",
    "consequence": "Say what should be different; we send another version.",
    "style": "quiet",
    "url": f"{_REQUEST}verbs/request_changes/",
}

REQUEST: dict[str, Any] = {
    **SUMMARY,
    "description": "Since this morning. We restarted it twice.",
    "channel": "api",
    "is_verified": True,
    "order_number": "PO-4711",
    "cost_centre": "",
    "delivered_at": None,
    "accepted_at": None,
    "period_ends_at": "2026-12-23T00:00:00+02:00",
    "deploy_on": None,
    "recorded_by": {"id": 12, "name": "Rita Requester"},
    "answers": [{"label": "Which printer?", "value": "At the counter"}],
    "participants": [],
    "merged_into": None,
    "follows": None,
    "files": [],
    "estimates": [ESTIMATE],
    "comments": {"results": [COMMENT], "next": None},
    "verbs": [VERB],
}

REQUEST_PAGE: dict[str, Any] = {"results": [SUMMARY], "next": f"{_HOST}/api/v1/requests/?state=all&after=MjAyNi0x…"}
COMMENT_PAGE: dict[str, Any] = {"results": [COMMENT], "next": f"{_REQUEST}comments/?before=512"}
VERBS: dict[str, Any] = {
    "results": [
        {
            **VERB,
            "fields": [
                {
                    "name": "text",
                    "label": "What should change?",
                    "help": "",
                    "type": "string",
                    "required": True,
                    "max_length": 100000,
                    "choices": None,
                    "items": None,
                }
            ],
        }
    ]
}
REQUEST_TYPES: dict[str, Any] = {
    "results": [
        {
            "id": 3,
            "name": "Cash desk",
            "sentence": "The cash desk module: for example, a cash receipt cannot be printed.",
            "topic": {"id": 1, "name": "Finance"},
        }
    ]
}
REQUEST_TYPE_FORM: dict[str, Any] = {
    **REQUEST_TYPES["results"][0],
    "fields": [
        {
            "name": "subject",
            "label": "Summary",
            "help": "One line that says what it is about.",
            "type": "string",
            "required": True,
            "max_length": 200,
            "choices": None,
            "follows": None,
            "shown_when": [],
            "required_when": [],
        },
        {
            "name": "field-14",
            "label": "Which printer?",
            "help": "",
            "type": "string",
            "required": False,
            "max_length": None,
            "choices": [{"value": "41", "label": "At the counter", "goes_with": "38"}],
            "follows": "field-13",
            "shown_when": [{"field": "field-12", "value": "yes"}],
            "required_when": [],
        },
    ],
}
