package source

// What tests see of the encoding.
var (
	AppendFacts = appendFacts
	FactsFrom   = factsFrom
)

// ReadersVersion is the number that stored facts carry.
const ReadersVersion = readersVersion
