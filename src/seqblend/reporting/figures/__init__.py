"""One file a kind of picture: from facts to a drawing and a sentence that says what to see."""
