"""What can make a cross-validated score a wrong forecast, measured; and folds that mend it."""
