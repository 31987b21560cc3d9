"""KV-cache hygiene for multi-tenant LLM serving."""

__version__ = "0.4.0"
