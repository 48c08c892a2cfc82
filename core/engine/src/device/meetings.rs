pub struct MeetingHeading; pub struct MinutesText;
use super::*; use super::home::*; use crate::error::*;
#[derive(Debug)] pub struct MemberLine; #[derive(Debug)] pub struct NewMember; #[derive(Debug)] pub struct UnitCard;
impl<S: Store> Device<S> {
 pub(super) fn first_pages(&mut self, _n:&NewUnit,_m:MemberId,_now:i64)->Result<(),DeviceError>{Ok(())}
 pub(super) fn has_member(&self,_m:MemberId)->Result<bool,DeviceError>{Ok(true)}
 pub(super) fn rename(&mut self,_s:super::people::Subject,_n:&str)->Result<(),DeviceError>{Ok(())}
}
