"""The functions of rho that belong to each sparse precision, chosen by its code inside compiled code."""

from spatialvote.models.compiled import compiled
from spatialvote.models.structures import dagar, leroux, proper_car, sar

_LEROUX, _PROPER_CAR, _SAR = leroux.CODE, proper_car.CODE, sar.CODE
_leroux, _proper_car, _sar, _dagar = leroux.weights, proper_car.weights, sar.weights, dagar.weights
_dagar_log_det, _spectral_log_det = dagar.log_det, leroux.log_det


@compiled()
def weights(code, rho, table):
    """c(rho), shape (M,), with sigma^2 Q = sum_m c_m T_m, and dc / drho, shape (M,)."""
    if code == _LEROUX:
        return _leroux(rho, table)
    if code == _PROPER_CAR:
        return _proper_car(rho, table)
    if code == _SAR:
        return _sar(rho, table)
    return _dagar(rho, table)


@compiled()
def log_det(code, rho, node, node_weight, constants):
    """log |sigma^2 Q| and its derivative in rho."""
    if code in (_LEROUX, _PROPER_CAR, _SAR):
        return _spectral_log_det(rho, node, node_weight, constants)
    return _dagar_log_det(rho, node, node_weight, constants)
