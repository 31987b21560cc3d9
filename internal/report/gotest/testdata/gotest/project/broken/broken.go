package broken

func Size() int {
	var unused int
	return undefinedName
}
