"""The portal's and the desk's forms about tickets."""

from tickets.forms.desk import CorrectionForm, EstimateForm, EstimateLineForm, HandlingForm, NewUserForm, TimeForm
from tickets.forms.fields import DurationField, FilesField, QuantityField
from tickets.forms.requests import CommentForm, ParticipantForm, RequestForm
from tickets.forms.verbs import (
    AcceptEstimateForm,
    ApproverQuoteForm,
    CancelQuoteForm,
    ChangesForm,
    DeliveryForm,
    DeploymentForm,
    DeploymentQuoteForm,
    MergeForm,
    MinutesForm,
    NothingToChargeForm,
    QuestionForm,
    QuoteForm,
    ReasonForm,
    RejectForm,
    StillToDoForm,
    VerbForm,
)

__all__ = [
    "AcceptEstimateForm",
    "ApproverQuoteForm",
    "CancelQuoteForm",
    "ChangesForm",
    "CommentForm",
    "CorrectionForm",
    "DeliveryForm",
    "DeploymentForm",
    "DeploymentQuoteForm",
    "DurationField",
    "EstimateForm",
    "EstimateLineForm",
    "FilesField",
    "HandlingForm",
    "MergeForm",
    "MinutesForm",
    "NewUserForm",
    "NothingToChargeForm",
    "ParticipantForm",
    "QuantityField",
    "QuestionForm",
    "QuoteForm",
    "ReasonForm",
    "RejectForm",
    "RequestForm",
    "StillToDoForm",
    "TimeForm",
    "VerbForm",
]
