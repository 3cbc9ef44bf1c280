// the tests of Signalling follow in a moment
