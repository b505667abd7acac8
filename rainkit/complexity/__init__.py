"""How complex a picture is: estimators, views, the composite."""
