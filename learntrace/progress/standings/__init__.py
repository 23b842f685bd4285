"""What a sentence about a learner or a class follows from: the assignment in hand, and what stops those who don't get on."""
