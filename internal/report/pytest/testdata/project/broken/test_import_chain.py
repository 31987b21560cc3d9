try:
    import no_such_accelerator
except ImportError as err:
    raise RuntimeError("install the accelerator") from err
