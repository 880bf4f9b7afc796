"""Why a member answers as it does: numbers a token, and how they are shown."""
