class CacheTracer:
    def __init__(self):
        self.events = []
