package format

// Bounds of what one hostile text can make a reader hold.
const (
	MaxResults     = 1_000_000
	MaxDiagnostics = 10_000
	MaxFrames      = 64       // of one stack: a runaway recursion has the same frame thousands of times
	MaxMessage     = 4 << 10  // bytes of one failure's message
	MaxFailureText = 16 << 10 // bytes of what one failing test printed
)
