"""What runs beside a student's code: it holds no expected value and compares nothing."""
