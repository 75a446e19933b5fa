"""The table of the workflow, as data: who may do what to a ticket, from where to where, and under which condition.

Written from the design and not from the code: nothing here is imported from the product, so that the tests compare two
things. docs/workflow.md says the same in sentences.

Where the design leaves a choice, ours are:

* A ticket that waits for its invoice is not merged: its time would be lost. Send it back first. Nor is one whose
  estimate is accepted: what was agreed cannot follow.
* A merge is not undone once the other ticket waits for its invoice or was on one: the time would be billed twice.
* In REOPENED the estimate can still be accepted that the customer wanted changed, but not one that the agent withdrew
  or whose day has passed.
* A question always needs words; a takeover without words comes with the escalation to the second line.
* While work is in progress a customer asks us to cancel, once, and an agent cancels, quoting them.
* What was agreed at a fixed price is not billed by cancelling alone: without time worked nobody owes anything.
* An acceptance can be taken back by who gave it, the agent who wrote it down included, until somebody else has acted;
  of a closed ticket within the reopen period. A solution then waits for the review again, from its first day.
* What ended longer ago than the reopen period goes on in a new ticket that names it.
* An accountant sends back from INVOICE, and from nowhere else.
* An estimate's day is a promise of ours: a clock that stood still lets it expire without a reminder. A review or a
  question is moved instead, because there silence has consequences.
"""

from dataclasses import dataclass

# ---- the states; waiting for the customer is two of them ----

NOWHERE = ""
OPEN = "open"
IN_PROGRESS = "in_progress"
ESTIMATED = "estimated"
AGREED = "estimate_accepted"
INFORMATION = "waiting_for_customer/information"
REVIEW = "waiting_for_customer/review"
REOPENED = "reopened"
READY = "ready_to_deploy"
INVOICE = "invoice"
CLOSED = "closed"
REJECTED = "rejected"
CANCELLED = "cancelled"

ALIVE = (OPEN, IN_PROGRESS, ESTIMATED, AGREED, INFORMATION, REVIEW, REOPENED, READY, INVOICE)
ENDED = (CLOSED, REJECTED, CANCELLED)
STATES = (*ALIVE, *ENDED)
# The provider waits for the customer, who may be silent.
WITH_CUSTOMER = (ESTIMATED, INFORMATION, REVIEW)
# Which states have an end of a period, and which a clock; a clock may have had its say.
HAS_PERIOD = WITH_CUSTOMER
HAS_CLOCK = (*WITH_CUSTOMER, READY)
NEEDS_BILLING = (ESTIMATED, INVOICE)
SAME = "the state stays"

# ---- the actors ----

REQUESTER = "requester"
COLLEAGUE = "colleague who asks"
APPROVER = "approver who asks"
SIGNATORY = "approver who does not ask"
SMALL_APPROVER = "approver with a limit too low"
DEPUTY = "deputy of the approver"
READER = "representative without rights"
GUEST = "invited guest"
STRANGER = "another customer"
OUTSIDER = "customer of another desk"
AGENT = "agent"
SECOND_LINE = "agent of the second line"
ACCOUNTANT = "accountant"
MANAGER = "manager"
CLOCK = "clock"

CUSTOMERS = frozenset({REQUESTER, COLLEAGUE, APPROVER})
APPROVERS = frozenset({APPROVER, SIGNATORY, DEPUTY})
# An estimate is sent back by whoever decides for the customer or may approve at all.
ANSWERERS = CUSTOMERS | APPROVERS | {SMALL_APPROVER}
AGENTS = frozenset({AGENT, SECOND_LINE, MANAGER})
ACCOUNTANTS = frozenset({ACCOUNTANT, MANAGER})
STAFF = AGENTS | ACCOUNTANTS
WRITERS = CUSTOMERS | STAFF | {GUEST}
THE_CLOCK = frozenset({CLOCK})
PEOPLE = (
    REQUESTER, COLLEAGUE, APPROVER, SIGNATORY, SMALL_APPROVER, DEPUTY, READER, GUEST, STRANGER, OUTSIDER,
    AGENT, SECOND_LINE, ACCOUNTANT, MANAGER,
)  # fmt: skip
BLIND = (STRANGER, OUTSIDER)

# ---- what besides the state decides ----

VERSION_STANDS = "the newest version is open or was sent back, and its day has not passed"
UNTOUCHED = "it was delivered, and nothing was worked since"
TO_BILL = "there is something to bill"
WORK_TO_BILL = "billable time was worked that no invoice has charged"
HELD = "an objection holds it back"
LONG_AGO = "it ended longer ago than the reopen period"
MERGED = "it was merged into another ticket"
AGREEMENT = "an accepted estimate stands"
TOOK_OVER = "another ticket was merged into it"
ASKED_TO_CANCEL = "the customer asked to cancel"
GAVE_IT = "the actor gave the last acceptance, and nobody has acted on it"
PERIOD_OVER = "the period has ended"
HEARD = "notice and reminder reached somebody active"
REMINDED = "all reminders of the period were sent"
ORDER_LAPSED = "the order was not paid in time"


@dataclass(frozen=True)
class Row:
    """`billed` is the target instead when `bills` holds; `event` is what history calls it."""

    verb: str
    sources: tuple[str, ...]
    target: str
    who: frozenset[str]
    when: frozenset[str] = frozenset()
    unless: frozenset[str] = frozenset()
    billed: str = ""
    bills: str = TO_BILL
    event: str = ""

    def targets(self, source: str) -> set[str]:
        """Every state it can lead to from there."""
        return {source if target == SAME else target for target in (self.target, self.billed) if target}

    def leads_to(self, source: str, facts: frozenset[str]) -> str:
        target = self.billed if self.billed and self.bills in facts else self.target
        return source if target == SAME else target

    def allows(self, state: str, actor: str, facts: frozenset[str]) -> bool:
        return state in self.sources and actor in self.who and self.when <= facts and not self.unless & facts


def only(*facts: str) -> frozenset[str]:
    return frozenset(facts)


TABLE = (
    # ---- before and at work ----
    Row("submit", (NOWHERE,), OPEN, CUSTOMERS | STAFF, event="submitted"),
    Row("start_work", (OPEN, REOPENED, AGREED, INFORMATION, READY), IN_PROGRESS, AGENTS, event="started"),
    Row(
        "send_estimate",
        (OPEN, IN_PROGRESS, REOPENED, ESTIMATED, AGREED, INFORMATION),
        ESTIMATED,
        AGENTS,
        event="estimate_sent",
    ),
    # By the button, or by an agent who quotes an approver; never by the clock.
    Row(
        "accept_estimate",
        (ESTIMATED, REOPENED),
        AGREED,
        APPROVERS | AGENTS,
        only(VERSION_STANDS),
        event="estimate_accepted",
    ),
    Row("request_changes", (ESTIMATED,), REOPENED, ANSWERERS, event="changes_requested"),
    Row("withdraw_estimate", (ESTIMATED,), REOPENED, AGENTS, event="estimate_withdrawn"),
    Row("expire_estimate", (ESTIMATED,), REOPENED, THE_CLOCK, only(PERIOD_OVER), event="estimate_expired"),
    Row("remind_of_estimate", (ESTIMATED,), SAME, THE_CLOCK, unless=only(REMINDED), event="reminded"),
    Row(
        "request_information",
        (OPEN, IN_PROGRESS, REOPENED, AGREED, READY),
        INFORMATION,
        AGENTS,
        event="information_requested",
    ),
    Row("remind_of_information", (INFORMATION,), SAME, THE_CLOCK, unless=only(REMINDED), event="reminded"),
    Row(
        "close_unanswered",
        (INFORMATION,),
        CLOSED,
        THE_CLOCK,
        only(PERIOD_OVER, HEARD),
        billed=INVOICE,
        bills=WORK_TO_BILL,
        event="closed_unanswered",
    ),
    # ---- handing over ----
    Row("deliver", (IN_PROGRESS, REOPENED, READY, INFORMATION), REVIEW, AGENTS, event="delivered"),
    Row(
        "note_unheard_silence",
        (INFORMATION, REVIEW),
        SAME,
        THE_CLOCK,
        only(PERIOD_OVER),
        only(HEARD),
        event="silence_unheard",
    ),
    Row("remind_of_review", (REVIEW,), SAME, THE_CLOCK, unless=only(REMINDED), event="reminded"),
    # During a review an agent has to quote the confirmation.
    Row("schedule_deployment", (REOPENED, REVIEW), READY, AGENTS, event="deployment_scheduled"),
    Row("remind_of_deployment", (READY,), SAME, THE_CLOCK, event="deployment_due"),
    Row("accept_solution", (REVIEW, READY), CLOSED, CUSTOMERS | AGENTS, billed=INVOICE, event="accepted"),
    Row("accept_solution", (REOPENED,), CLOSED, CUSTOMERS | AGENTS, only(UNTOUCHED), billed=INVOICE, event="accepted"),
    Row("accept_by_silence", (REVIEW,), CLOSED, THE_CLOCK, only(PERIOD_OVER, HEARD), billed=INVOICE, event="accepted"),
    Row("mark_for_invoice", (REOPENED, READY, REVIEW), CLOSED, AGENTS, billed=INVOICE, event="accepted"),
    # ---- taking it back ----
    Row("take_back", (AGREED,), ESTIMATED, CUSTOMERS | APPROVERS | AGENTS, only(GAVE_IT), event="taken_back"),
    Row("take_back", (INVOICE,), REVIEW, CUSTOMERS | AGENTS, only(GAVE_IT), event="taken_back"),
    Row("take_back", (CLOSED,), REVIEW, CUSTOMERS | AGENTS, only(GAVE_IT), only(LONG_AGO), event="taken_back"),
    Row("reopen", (INFORMATION, REVIEW, READY, INVOICE), REOPENED, CUSTOMERS | AGENTS, event="reopened"),
    Row("reopen", (INVOICE,), REOPENED, ACCOUNTANTS, event="reopened"),
    Row("reopen", ENDED, REOPENED, CUSTOMERS | AGENTS, unless=only(LONG_AGO, MERGED), event="reopened"),
    Row("follow_up", ENDED, SAME, CUSTOMERS | AGENTS, only(LONG_AGO), only(MERGED)),
    # A customer's words give back what waits for them; anybody else's, and elsewhere, change nothing.
    Row("comment", (INFORMATION, REVIEW, READY), REOPENED, CUSTOMERS, event="reopened"),
    Row("comment", (INFORMATION, REVIEW, READY), SAME, WRITERS - CUSTOMERS),
    Row("comment", tuple(s for s in STATES if s not in (INFORMATION, REVIEW, READY, INVOICE)), SAME, WRITERS),
    Row("comment", (INVOICE,), SAME, WRITERS - CUSTOMERS),
    Row("comment", (INVOICE,), SAME, CUSTOMERS, event="held"),
    # ---- the end ----
    Row(
        "cancel",
        (OPEN, ESTIMATED, AGREED, REOPENED, INFORMATION),
        CANCELLED,
        CUSTOMERS | AGENTS,
        billed=INVOICE,
        bills=WORK_TO_BILL,
        event="cancelled",
    ),
    Row("cancel", (IN_PROGRESS,), CANCELLED, AGENTS, billed=INVOICE, bills=WORK_TO_BILL, event="cancelled"),
    Row("ask_to_cancel", (IN_PROGRESS,), SAME, CUSTOMERS, unless=only(ASKED_TO_CANCEL), event="cancel_asked"),
    Row("lapse_unpaid_order", (AGREED,), CANCELLED, THE_CLOCK, only(ORDER_LAPSED), event="cancelled"),
    Row("reject", (OPEN, IN_PROGRESS, REOPENED), REJECTED, AGENTS, event="rejected"),
    Row(
        "merge",
        tuple(state for state in ALIVE if state != INVOICE),
        CLOSED,
        AGENTS,
        unless=only(AGREEMENT, TOOK_OVER),
        event="merged",
    ),
    Row("unmerge", (CLOSED,), REOPENED, AGENTS, only(MERGED), event="unmerged"),
    Row("dismiss_objection", (INVOICE,), SAME, AGENTS, only(HELD), event="released"),
    # Without an invoice, with a reason; an invoice closes its tickets by the same verb.
    Row("close", (INVOICE,), CLOSED, ACCOUNTANTS, unless=only(HELD), event="closed"),
)

VERBS = tuple(dict.fromkeys(row.verb for row in TABLE))
CLOCKS_VERBS = tuple(dict.fromkeys(row.verb for row in TABLE if row.who == THE_CLOCK))
PEOPLES_VERBS = tuple(verb for verb in VERBS if verb not in CLOCKS_VERBS and verb != "submit")
# Two names for one deed of an agent's: a page shows one button, the second where the first is not on the page.
SAME_DEED = ("accept_solution", "mark_for_invoice")
# What a page offers otherwise than as a button of the state.
NOT_OFFERED = ("comment", "submit")


def row_for(verb: str, state: str, actor: str, facts: frozenset[str]) -> Row | None:
    """What the table says about one try: the row that allows it, or None."""
    rows = [row for row in TABLE if row.verb == verb and row.allows(state, actor, facts)]
    return rows[0] if rows else None


def rows_of(verb: str, state: str) -> list[Row]:
    return [row for row in TABLE if row.verb == verb and state in row.sources]


# ---- history's word → (the letter, whether the requester hears it); who else does: tickets/tests/test_notices.py ----

LETTERS = {
    "started": ("ticket.started", True),
    "information_requested": ("ticket.information_requested", True),
    "closed_unanswered": ("ticket.closed_unanswered", True),
    "changes_requested": ("ticket.changes_requested", True),
    "estimate_accepted": ("ticket.estimate_accepted", True),
    "estimate_withdrawn": ("ticket.estimate_withdrawn", True),
    "estimate_expired": ("ticket.estimate_expired", True),
    "delivered": ("ticket.delivered", True),
    "deployment_scheduled": ("ticket.deployment_scheduled", True),
    "deployment_due": ("ticket.deployment_due", False),
    "silence_unheard": ("ticket.silence_unheard", False),
    "accepted": ("ticket.accepted", True),
    "taken_back": ("ticket.taken_back", True),
    "cancel_asked": ("ticket.cancel_asked", True),
    "cancelled": ("ticket.cancelled", True),
    "rejected": ("ticket.rejected", True),
    "merged": ("ticket.merged", True),
    "unmerged": ("ticket.unmerged", True),
    "closed": ("ticket.closed", True),
}
# Who is told when a state's period ends: by the verb of the clock that ends it, and where silence does not count.
END_OF_PERIOD = {
    ESTIMATED: ("ticket.estimate_expired", (REQUESTER, APPROVER, AGENT)),
    INFORMATION: ("ticket.closed_unanswered", (REQUESTER, AGENT)),
    REVIEW: ("ticket.accepted", (REQUESTER, AGENT)),
    READY: ("ticket.deployment_due", (AGENT,)),
}
