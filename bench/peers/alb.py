"""What the Python peers share: the columns of an ALB access log and the rule that turns a path into a route.

The rule is one expression, as a user of these tools would write it: whatever part of a segment holds
two digits in a row is an id. It gives about a third more groups than weir's own rules on the
benchmark's traffic, and costs less than imitating those would.
"""

ROUTE_PATTERN = r"/[^/.]*[0-9][0-9][^/.]*"
ROUTE_ID = "/:id"

# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
# The last column is beyond the documented ones: the format grows at its end, and the sample traffic has one more.
COLUMNS = (
    "type time elb client target request_processing_time target_processing_time response_processing_time "
    "elb_status target_status received_bytes sent_bytes request user_agent ssl_cipher ssl_protocol target_group "
    "trace_id domain certificate rule_priority created actions redirect_url error_reason targets target_statuses "
    "classification classification_reason trace_tid transformed_host transformed_uri transform_status appended"
).split()
SECONDS = {"request_processing_time", "target_processing_time", "response_processing_time"}
BYTES = {"received_bytes", "sent_bytes"}
STATUSES = {"elb_status"}


def typed_columns(text, seconds, whole_bytes, status):
    """Pairs of column and type, in order, with the type names of the caller's database."""

    def type_of(column):
        if column in SECONDS:
            return seconds
        if column in BYTES:
            return whole_bytes
        return status if column in STATUSES else text

    return [(column, type_of(column)) for column in COLUMNS]
