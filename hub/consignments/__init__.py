"""Consignments: the physical items that the public postal operator carries (QĐ 45/2016, TT 17/2017)."""
