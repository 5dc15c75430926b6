"""Sends log records with OpenTelemetry's SDK. Arguments: address, compression, count."""

import logging
import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

address, compression, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
provider = LoggerProvider(resource=Resource.create({"service.name": "python-shop"}))
exporter = OTLPLogExporter(endpoint=f"{address}/v1/logs", compression=Compression(compression))
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
logger = logging.getLogger("shop.orders")
logger.addHandler(LoggingHandler(level=logging.INFO, logger_provider=provider))
logger.setLevel(logging.INFO)
for number in range(count):
    logger.error("order %d failed", number, extra={"user_email": "a@b.com", "number": number})
assert provider.force_flush()
provider.shutdown()
